#include "platform/rpc/format.hpp"

#include <algorithm>
#include <chrono>

#include "platform/core/uuid.hpp"

namespace bv::rpc {
namespace {

bool lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool alphanumeric(char c) noexcept { return lower(c) || upper(c) || digit(c); }

bool all_upper(std::string_view text, std::size_t length) noexcept {
    return text.size() == length && std::ranges::all_of(text, upper);
}

// Parts of letters and digits (`part`) with single separators between them.
template <class Part, class Separator>
bool joined(std::string_view text, Part part, Separator separator) noexcept {
    bool separated = true;
    for (const char c : text) {
        if (separator(c) ? separated : !part(c)) return false;
        separated = separator(c);
    }
    return !text.empty() && !separated;
}

bool host_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 253) return false;
    std::size_t label = 0;
    char before = '.';
    for (const char c : text) {
        if (c == '.') {
            if (before == '.' || before == '-') return false;
            label = 0;
        } else if (!alphanumeric(c) && !(c == '-' && before != '.')) {
            return false;
        } else if (++label > 63) {
            return false;
        }
        before = c;
    }
    return before != '.' && before != '-';
}

// The dot-atom of RFC 5321 before the @; quoted local parts are not accepted.
bool email(std::string_view text) noexcept {
    const auto at = text.rfind('@');
    if (text.size() > 254 || at == text.npos || at == 0 || at > 64) return false;
    const auto atom = [](char c) {
        return alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
    };
    const auto domain = text.substr(at + 1);
    return joined(text.substr(0, at), atom, [](char c) { return c == '.'; }) && host_name(domain) && domain.find('.') != domain.npos;
}

bool url(std::string_view text) noexcept {
    if (text.size() > 2048) return false;
    if (text.starts_with("https://")) text.remove_prefix(8);
    else if (text.starts_with("http://")) text.remove_prefix(7);
    else return false;
    const bool printable = std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 127 && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
    });
    auto authority = text.substr(0, text.find_first_of("/?#"));
    if (const auto colon = authority.rfind(':'); colon != authority.npos) {
        const auto port = authority.substr(colon + 1);
        if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, digit)) return false;
        authority = authority.substr(0, colon);
    }
    return printable && host_name(authority);
}

// Anything but control characters; tab and line breaks are allowed.
bool text_without_controls(std::string_view text) noexcept {
    return std::ranges::none_of(text, [](char ch) {
        const auto c = static_cast<unsigned char>(ch);
        return (c < 32 && c != '\t' && c != '\n' && c != '\r') || c == 127;
    });
}

bool date(std::string_view text) noexcept {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    const auto number = [&](std::size_t from, std::size_t count) {
        int value = 0;
        for (const char c : text.substr(from, count)) value = digit(c) ? value * 10 + (c - '0') : 1'000'000;
        return value;
    };
    const int y = number(0, 4), m = number(5, 2), d = number(8, 2);
    if (y > 9999 || m > 12 || d > 31) return false;
    return std::chrono::year_month_day(std::chrono::year(y), std::chrono::month(static_cast<unsigned>(m)),
                                       std::chrono::day(static_cast<unsigned>(d)))
        .ok();
}

}  // namespace

bool matches(format f, std::string_view text) noexcept {
    switch (f) {
    case format::any: return true;
    case format::email: return email(text);
    case format::uuid: return bv::uuid::parse(text).has_value();
    case format::currency: return all_upper(text, 3);
    case format::slug: return joined(text, [](char c) { return lower(c) || digit(c); }, [](char c) { return c == '-'; });
    case format::sku:
        return text.size() <= 64 && !text.empty() && alphanumeric(text.front()) &&
               std::ranges::all_of(text, [](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
    case format::url: return url(text);
    case format::country: return all_upper(text, 2);
    case format::token:
        return joined(text, [](char c) { return lower(c) || digit(c); }, [](char c) { return c == '.' || c == '_' || c == '-'; });
    case format::text: return text_without_controls(text);
    case format::phone:
        return text.size() >= 9 && text.size() <= 16 && text.front() == '+' && text[1] != '0' && std::ranges::all_of(text.substr(1), digit);
    case format::date: return date(text);
    }
    return false;
}

std::string_view demand(format f) noexcept {
    switch (f) {
    case format::any: return "may be anything";
    case format::email: return "must be an e-mail address, such as ada@example.com";
    case format::uuid: return "must be a UUID: 8-4-4-4-12 hexadecimal digits";
    case format::currency: return "must be an ISO 4217 currency code, such as GBP";
    case format::slug: return "must be lower-case letters and digits with single hyphens between, such as garden-tools";
    case format::sku: return "must be at most 64 letters, digits, '.', '_' or '-', beginning with a letter or digit";
    case format::url: return "must be an absolute http or https URL";
    case format::country: return "must be an ISO 3166-1 country code of two letters, such as GB";
    case format::token: return "must be lower-case letters and digits with single '.', '_' or '-' between, such as orders.read";
    case format::text: return "must not have control characters other than tab and line breaks";
    case format::phone: return "must be '+' and 8 to 15 digits, such as +442071234567";
    case format::date: return "must be a day, such as 2026-01-31";
    }
    return {};
}

}  // namespace bv::rpc
