#include "platform/events/registry/wire_format.hpp"

#include <optional>

#include <fmt/format.h>

namespace bv::events::registry {
namespace {

constexpr std::size_t header_size = 5;
constexpr std::int64_t most_indexes = 32;  // Protobuf's own limit of nesting

void put_varint(std::string& out, std::int64_t value) {
    auto zigzag = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    for (; zigzag >= 0x80; zigzag >>= 7) out += static_cast<char>(zigzag | 0x80);
    out += static_cast<char>(zigzag);
}

std::optional<std::int64_t> take_varint(std::string_view& in) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {  // 32 bits
        if (in.empty()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(in.front());
        in.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    return std::nullopt;
}

std::unexpected<error> malformed(std::string_view what) {
    return fail(code::invalid_argument, "MALFORMED_FRAME", fmt::format("the value begins as one of a schema registry does, and {}", what));
}

}  // namespace

std::string frame_prefix(std::int32_t schema, std::span<const std::int32_t> message) {
    std::string out(1, '\0');
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(static_cast<std::uint32_t>(schema) >> shift);
    if (message.size() == 1 && message.front() == 0) return out + '\0';
    put_varint(out, static_cast<std::int64_t>(message.size()));
    for (const auto index : message) put_varint(out, index);
    return out;
}

result<framed> unframe(std::string_view value) {
    if (value.size() <= header_size) return malformed("ends before its message indexes");
    framed out;
    std::uint32_t id = 0;
    for (std::size_t i = 1; i < header_size; ++i) id = id << 8 | static_cast<unsigned char>(value[i]);
    out.schema = static_cast<std::int32_t>(id);
    auto rest = value.substr(header_size);
    const auto count = take_varint(rest);
    if (!count || *count < 0 || *count > most_indexes) return malformed("its number of message indexes is none");
    if (*count == 0) out.message.push_back(0);
    for (std::int64_t i = 0; i < *count; ++i) {
        const auto index = take_varint(rest);
        if (!index || *index < 0 || *index > INT32_MAX) return malformed("one of its message indexes is none");
        out.message.push_back(static_cast<std::int32_t>(*index));
    }
    out.payload = rest;
    return out;
}

}  // namespace bv::events::registry
