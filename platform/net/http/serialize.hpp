// Writes the bytes of responses' heads. No I/O.
#pragma once

#include <string>
#include <string_view>

#include "platform/net/http/message.hpp"

namespace bv::http {

enum class framing : unsigned char {
    length,   // Content-Length of the body
    chunked,  // Transfer-Encoding: chunked
    close,    // the end of the connection ends the body (HTTP/1.0)
};

enum class connection_header : unsigned char { none, keep_alive, close };

// False when a handler's header would split the response or is no header at all; the response must not be sent then.
[[nodiscard]] bool is_sendable(const response&) noexcept;
// Appends status line and fields, to the empty line. `date`: as imf_fixdate gives it.
void append_head(std::string& out, const response&, framing, connection_header, std::string_view date);
// Appends one chunk (RFC 9112 section 7.1); an empty piece appends nothing.
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
// Statuses that never have a body.
[[nodiscard]] constexpr bool is_bodiless(int status) noexcept { return status < 200 || status == 204 || status == 304; }
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
[[nodiscard]] std::string imf_fixdate(time_point);

}  // namespace bv::http
