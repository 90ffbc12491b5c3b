// E-mails as text: Internet Message Format (RFC 5322) with MIME (RFC 2045), encoded words in headers (RFC 2047).
#pragma once

#include <string>
#include <string_view>

#include "domains/commerce/notification/app/ports.hpp"

namespace bv::notification {

// Who the mail is from.
struct mail_sender {
    std::string address = "orders@bitvelocity.example";
    std::string name = "BitVelocity";
    std::string message_id_domain = "notifications.bitvelocity.example";  // of Message-ID; not resolved by anyone
};

// An address that can stand between < and > without quoting: ASCII, one @, no spaces or specials (a subset of RFC 5321
// section 4.1.2), at most 254 characters.
[[nodiscard]] bool is_plain_address(std::string_view) noexcept;

// The whole message with CRLF line ends. The same mail gives the same bytes.
// INVALID_ARGUMENT "HEADER_UNSAFE" when the subject has control characters, "ADDRESS_UNUSABLE" for an address that is
// not plain. The errors do not hold the text at fault: it may be personal.
[[nodiscard]] result<std::string> render(const mail&, const mail_sender&);

// One header value: as it is when it is short ASCII, else as encoded words folded over lines.
[[nodiscard]] std::string encoded_header(std::string_view utf8);
// Quoted-printable (RFC 2045 section 6.7), lines ended by CRLF.
[[nodiscard]] std::string quoted_printable(std::string_view utf8);
// Base64 with padding (RFC 4648 section 4).
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace bv::notification
