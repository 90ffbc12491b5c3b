// Protobuf's wire format field by field, for the few small messages of gRPC's own protocols: their generated code would be a library more.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bv::rpc::grpc {

class field_writer {
public:
    void number(std::uint32_t field, std::uint64_t value) {
        varint(field << 3);
        varint(value);
    }
    void bytes(std::uint32_t field, std::string_view value) {
        varint(field << 3 | 2);
        varint(value.size());
        out_ += value;
    }
    // A double.
    void real(std::uint32_t field, double value) {
        varint(field << 3 | 1);
        for (auto bits = std::bit_cast<std::uint64_t>(value), n = std::uint64_t{8}; n > 0; --n, bits >>= 8) out_ += static_cast<char>(bits & 0xff);
    }
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    void varint(std::uint64_t n) {
        for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
        out_ += static_cast<char>(n);
    }
    std::string out_;
};

// Calls `see` with each field: its number, the value of a number (of a double its bits), the bytes of a length-delimited one. False: malformed, or `see`
// said so.
[[nodiscard]] bool read_fields(std::string_view bytes, const std::function<bool(std::uint32_t field, std::uint64_t number, std::string text)>& see);

}  // namespace bv::rpc::grpc
