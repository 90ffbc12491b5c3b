// gRPC over HTTP/2 on the wire: messages with their five bytes before them, time-outs, texts in metadata.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/error.hpp"

namespace bv::rpc::grpc {

inline constexpr std::string_view content_type = "application/grpc";

// Takes messages out of bytes that arrive in any cut.
class message_reader {
public:
    // encoding: grpc-encoding of the peer, "gzip" or identity. Larger messages than `most` bytes, decompressed, are refused.
    message_reader(std::string_view encoding, std::size_t most) : gzip_(encoding == "gzip"), known_(gzip_ || encoding.empty() || encoding == "identity"), most_(most) {}

    void put(std::string_view bytes) { in_ += bytes; }
    // nullopt: it has not arrived whole. UNIMPLEMENTED "UNKNOWN_ENCODING", INTERNAL "MALFORMED_FRAME", RESOURCE_EXHAUSTED
    // "MESSAGE_TOO_LARGE".
    [[nodiscard]] result<std::optional<std::string>> next();
    [[nodiscard]] bool empty() const noexcept { return in_.size() == at_; }

private:
    std::string in_;
    std::size_t at_ = 0;
    bool gzip_, known_;
    std::size_t most_;
};

// Room for the five bytes, for a message appended after them; then close_frame writes them.
inline constexpr std::size_t prefix = 5;
void close_frame(std::string& framed, std::size_t at, bool compressed);
// The message with its prefix, compressed where that makes it smaller.
[[nodiscard]] std::string frame(std::string_view message, bool compress);

// "100m", "5S" (RFC-like units n u m S M H, at most 8 digits). nullopt: malformed.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view) noexcept;
// Never longer than given, so that the peer gives up first or at the same time; at least 1 ns.
[[nodiscard]] std::string format_timeout(std::chrono::nanoseconds);

// grpc-message: percent-encoded but for printable ASCII without '%'.
[[nodiscard]] std::string encode_text(std::string_view);
[[nodiscard]] std::string decode_text(std::string_view);
// Metadata whose name ends in -bin: base64 without padding, read with or without.
[[nodiscard]] std::string encode_binary(std::string_view);
[[nodiscard]] std::optional<std::string> decode_binary(std::string_view);

// nullopt: no gzip, or more than `most` bytes.
[[nodiscard]] std::optional<std::string> gunzip(std::string_view, std::size_t most);

}  // namespace bv::rpc::grpc
