#include "domains/commerce/notification/adapters/mail_message.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace bv::notification {

namespace {

constexpr std::size_t longest_line = 76;
constexpr std::size_t encoded_word_bytes = 45;  // 60 characters of base64: with its frame within RFC 2047's 75

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool is_ascii(std::string_view s) {
    return std::ranges::none_of(s, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// RFC 5322 section 3.3: "Thu, 01 Jan 2026 09:00:00 +0000".
std::string date_header(time_point at) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday(day).c_encoding()],
                       static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

// A display name and an address. A name is people's own text: what cannot stand in a header becomes a space.
std::string mailbox(std::string name, std::string_view address) {
    std::ranges::replace_if(name, is_control, ' ');
    if (name.find_first_not_of(' ') == name.npos) return fmt::format("<{}>", address);
    if (!is_ascii(name) || name.size() > 60) return fmt::format("{}\r\n <{}>", encoded_header(name), address);
    std::string quoted;
    for (const char c : name) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return fmt::format("\"{}\" <{}>", quoted, address);
}

// Lines end with CRLF; bare CRs are dropped.
std::string with_crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\r') continue;
        if (c == '\n') out += '\r';
        out += c;
    }
    if (!out.ends_with('\n')) out += "\r\n";
    return out;
}

bool is_plain_text(std::string_view text) {
    std::size_t length = 0;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80 || (is_control(c) && c != '\n' && c != '\t')) return false;
        length = c == '\n' ? 0 : length + 1;
        if (length > longest_line) return false;
    }
    return true;
}

}  // namespace

bool is_plain_address(std::string_view a) noexcept {
    const auto at = a.find('@');
    if (a.size() > 254 || at == a.npos || at == 0 || at > 64 || at + 1 == a.size() || a.find('@', at + 1) != a.npos) return false;
    return std::ranges::all_of(a, [](char c) {
        return c > 0x20 && c < 0x7F && std::string_view("()<>[]:;,\\\"").find(c) == std::string_view::npos;
    });
}

std::string base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                  static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(n));
    return out;
}

std::string encoded_header(std::string_view text) {
    if (is_ascii(text) && text.size() <= longest_line && text.find("=?") == text.npos) return std::string(text);
    std::string out;
    while (!text.empty()) {
        auto n = std::min(text.size(), encoded_word_bytes);
        while (n < text.size() && n > 1 && continues_character(text[n])) --n;  // a character is not split (RFC 2047 section 5)
        if (!out.empty()) out += "\r\n ";
        out += "=?UTF-8?B?" + base64(text.substr(0, n)) + "?=";
        text.remove_prefix(n);
    }
    return out;
}

std::string quoted_printable(std::string_view text) {
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r') continue;
        if (c == '\n') {
            out += "\r\n";
            column = 0;
            continue;
        }
        const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
        const bool as_is = (c > 0x20 && c < 0x7F && c != '=') || ((c == ' ' || c == '\t') && !ends_line);
        const std::size_t width = as_is ? 1 : 3;
        if (column + width > longest_line - 1) {  // room for the soft line break's "="
            out += "=\r\n";
            column = 0;
        }
        if (as_is) out += c;
        else out += fmt::format("={:02X}", static_cast<unsigned char>(c));
        column += width;
    }
    if (!out.ends_with("\r\n")) out += "\r\n";
    return out;
}

result<std::string> render(const mail& m, const mail_sender& from) {
    if (std::ranges::any_of(m.subject, is_control))
        return fail(code::invalid_argument, "HEADER_UNSAFE", "the subject has control characters; it must be one line of text");
    if (!is_plain_address(m.to))
        return fail(code::invalid_argument, "ADDRESS_UNUSABLE", "the buyer's address cannot be written to; the buyer must register another");
    if (!is_plain_address(from.address) || !is_plain_address("id@" + from.message_id_domain))
        return fail(code::invalid_argument, "SENDER_UNUSABLE", "the sender's address or Message-ID domain in the options is not a plain one");
    const bool plain = is_plain_text(m.text);
    return fmt::format("Date: {}\r\nFrom: {}\r\nTo: {}\r\nMessage-ID: <{}@{}>\r\nSubject: {}\r\n"
                       "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: {}\r\n"
                       "Auto-Submitted: auto-generated\r\n\r\n{}",
                       date_header(m.written_at), mailbox(from.name, from.address), mailbox(m.to_name, m.to), m.id.str(), from.message_id_domain,
                       encoded_header(m.subject), plain ? "7bit" : "quoted-printable", plain ? with_crlf(m.text) : quoted_printable(m.text));
}

}  // namespace bv::notification
