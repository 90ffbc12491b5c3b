#include "platform/storage/redis/command.hpp"

#include <array>
#include <iterator>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "platform/core/assert.hpp"

namespace bv::redis {
namespace {

constexpr std::array<std::uint16_t, 256> crc_table = [] {
    std::array<std::uint16_t, 256> out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        auto crc = static_cast<std::uint16_t>(i << 8);
        for (int bit = 0; bit < 8; ++bit) crc = static_cast<std::uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
        out[i] = crc;
    }
    return out;
}();

std::uint16_t crc16(std::string_view bytes) noexcept {
    std::uint16_t crc = 0;
    for (const char c : bytes) crc = static_cast<std::uint16_t>((crc << 8) ^ crc_table[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xFF]);
    return crc;
}

// SHA-1 only names a script here.
std::string sha1_hex(std::string_view text) {
    std::array<unsigned char, 20> digest{};
    unsigned size = 0;
    BV_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1 && size == digest.size());
    std::string out;
    for (const auto byte : digest) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
    return out;
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
    if (const auto from = key.find('{'); from != key.npos)
        if (const auto to = key.find('}', from + 1); to != key.npos && to != from + 1) key = key.substr(from + 1, to - from - 1);
    return crc16(key) % slots;
}

void command::add(std::string_view argument) {
    fmt::format_to(std::back_inserter(arguments_), "${}\r\n", argument.size());
    arguments_.append(argument);
    arguments_.append("\r\n");
    ++count_;
}

std::string command::encoded() const { return fmt::format("*{}\r\n{}", count_, arguments_); }

std::optional<command> command::with_text() const {
    if (by_digest_ == nullptr) return std::nullopt;
    command out("EVAL");
    out.add(by_digest_->text());
    command head("EVALSHA");
    head.add(by_digest_->digest());
    out.arguments_ += std::string_view(arguments_).substr(head.arguments_.size());
    out.count_ = count_;
    out.slot_ = slot_;
    return out;
}

script::script(std::string_view text) : text_(text), digest_(sha1_hex(text)) {}

}  // namespace bv::redis
