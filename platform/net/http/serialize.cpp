#include "platform/net/http/serialize.hpp"

#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {

void append_number(std::string& out, std::size_t n, int base = 10) {
    std::array<char, 24> digits;
    const auto [end, ec] = std::to_chars(digits.data(), digits.data() + digits.size(), n, base);
    out.append(digits.data(), end);
}

// Framing, Date and persistence are the server's to say.
bool is_servers(std::string_view name) noexcept {
    switch (name.size()) {
        case 4: return syntax::iequals(name, "Date");
        case 10: return syntax::iequals(name, "Connection") || syntax::iequals(name, "Keep-Alive");
        case 14: return syntax::iequals(name, "Content-Length");
        case 17: return syntax::iequals(name, "Transfer-Encoding");
        default: return false;
    }
}

}  // namespace

bool is_sendable(const response& r) noexcept {
    if (r.status < 200 || r.status > 599 || !syntax::is_value(r.content_type)) return false;
    for (std::size_t i = 0; i < r.headers.size(); ++i)
        if (const auto [name, value] = r.headers.at(i); !syntax::is_token(name) || !syntax::is_value(value)) return false;
    return true;
}

void append_head(std::string& out, const response& r, framing f, connection_header c, std::string_view date) {
    if (r.status == 200) {
        out += "HTTP/1.1 200 OK\r\nDate: ";
    } else {
        out += "HTTP/1.1 ";
        append_number(out, static_cast<std::size_t>(r.status));
        out += ' ', out += reason_phrase(r.status), out += "\r\nDate: ";
    }
    out += date;
    if (!r.content_type.empty() && !is_bodiless(r.status)) out += "\r\nContent-Type: ", out += r.content_type;
    if (f == framing::chunked) {
        out += "\r\nTransfer-Encoding: chunked";
    } else if (f == framing::length && !is_bodiless(r.status)) {
        out += "\r\nContent-Length: ";
        append_number(out, r.body.size());
    }
    if (c == connection_header::close) out += "\r\nConnection: close";
    if (c == connection_header::keep_alive) out += "\r\nConnection: keep-alive";
    for (std::size_t i = 0; i < r.headers.size(); ++i) {
        const auto [name, value] = r.headers.at(i);
        const bool again = !r.content_type.empty() && syntax::iequals(name, "Content-Type");
        if (!again && !is_servers(name)) out += "\r\n", out += name, out += ": ", out += value;
    }
    out += "\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view piece) {
    if (piece.empty()) return;
    append_number(out, piece.size(), 16);
    out += "\r\n", out += piece, out += "\r\n";
}

std::string imf_fixdate(time_point at) {
    using namespace std::chrono;
    constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss time{floor<seconds>(at - day)};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays[weekday{day}.c_encoding()],
                       static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()), time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace bv::http
