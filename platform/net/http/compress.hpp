// gzip of answers where it pays (RFC 9110 section 8.4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "platform/net/http/message.hpp"

namespace bv::http {

// Compresses the body in place when the client accepts gzip, the type is a text of some kind, it has at least `at_least`
// bytes and shrinks. Adds Vary to every answer of such a type; a strong ETag becomes weak, since the bytes differ.
// Leaves streams, encoded bodies and "Cache-Control: no-transform" alone.
void compress(const request&, response&, std::size_t at_least = 1024);

// Whether an Accept-Encoding value allows gzip; q=0 forbids.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding) noexcept;
[[nodiscard]] bool is_compressible(std::string_view content_type) noexcept;
// The gzip format (RFC 1952).
[[nodiscard]] std::string gzip(std::string_view);

}  // namespace bv::http
