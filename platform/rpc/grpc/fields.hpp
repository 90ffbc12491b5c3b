// Protobuf's wire format field by field, for the few small messages of gRPC's own protocols: their generated code would be a library more.
#pragma once

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
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    void varint(std::uint64_t n) {
        for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
        out_ += static_cast<char>(n);
    }
    std::string out_;
};

// Calls `see` with each field: its number, the value of a number, the bytes of a length-delimited one. False: malformed, or `see`
// said so.
[[nodiscard]] bool read_fields(std::string_view bytes, const std::function<bool(std::uint32_t field, std::uint64_t number, std::string text)>& see);

}  // namespace bv::rpc::grpc
