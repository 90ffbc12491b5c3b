// The strings of the JSON reader: escapes, UTF-8, base64.
#include <array>
#include <charconv>
#include <cstring>

#include "platform/rpc/json_block.hpp"
#include "platform/rpc/json_reader.hpp"

namespace bv::json {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 63));
        out += static_cast<char>(0x80 | (c & 63));
    } else {
        out += static_cast<char>(0xF0 | c >> 18);
        out += static_cast<char>(0x80 | (c >> 12 & 63));
        out += static_cast<char>(0x80 | (c >> 6 & 63));
        out += static_cast<char>(0x80 | (c & 63));
    }
}

constexpr std::ptrdiff_t ascii_step = sizeof(std::uint64_t);

bool is_ascii(const unsigned char* p) noexcept {
    std::uint64_t eight;
    std::memcpy(&eight, p, sizeof eight);
    return (eight & 0x8080808080808080) == 0;
}

}  // namespace

// Over what a string holds as it is, up to a quote, a backslash, a control character or the end. Whether it is all ASCII.
bool reader::plain_text() noexcept {
    unsigned high = 0;
    while (static_cast<std::size_t>(end_ - at_) >= block::size) {
        const block bytes(at_);
        if (const unsigned found = bytes.special()) {
            const std::size_t plain = before_first(found);
            at_ += plain;
            return (high | (bytes.high() & ((1U << plain) - 1))) == 0;
        }
        high |= bytes.high();
        at_ += block::size;
    }
    for (; at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 32; ++at_) high |= static_cast<unsigned char>(*at_) & 0x80U;
    return high == 0;
}

// A string as programs write it: it begins here, is ASCII, needs no escape, and does not end near the end of the text. Null: it
// is otherwise, and nothing was read.
inline std::string_view reader::usual_text() noexcept {
    if (at_ == end_ || *at_ != '"') return {};
    const char* const start = at_ + 1;
    unsigned high = 0;
    for (const char* p = start; end_ - p >= static_cast<std::ptrdiff_t>(block::size); p += block::size) {
        const block bytes(p);
        const unsigned found = bytes.special();
        high |= bytes.high();
        if (found == 0) continue;
        p += before_first(found);
        // What stands behind the quote does not matter, but is seldom beyond ASCII either.
        if (*p != '"' || high != 0) break;
        at_ = p + 1;
        return {start, static_cast<std::size_t>(p - start)};
    }
    return {};
}

bool reader::text(std::string_view& out) {
    out = usual_text();
    return out.data() != nullptr || any_text(out);
}

bool reader::any_text(std::string_view& out) {
    if (peek() != '"') return expected("a string");
    const char* const start = ++at_;
    const bool ascii = plain_text();
    if (at_ == end_ || *at_ != '"') return escaped_string(start, out);
    out = {start, static_cast<std::size_t>(at_ - start)};
    if (!ascii && !valid_utf8(out)) return syntax("the string is not valid UTF-8");
    ++at_;
    return true;
}

bool reader::read(std::string& out) {
    if (const auto usual = usual_text(); usual.data() != nullptr) return out.assign(usual), true;
    std::string_view value;
    if (!any_text(value)) return false;
    out.assign(value);
    return true;
}

bool reader::escaped_string(const char* start, std::string_view& out) {
    unescaped_.assign(start, at_);
    while (at_ != end_ && *at_ != '"') {
        if (*at_ != '\\') return syntax("control characters in strings must be escaped");
        ++at_;
        if (!escape()) return false;
        const char* const run = at_;
        plain_text();
        unescaped_.append(run, at_);
    }
    if (at_ == end_) return syntax("the string does not end");
    if (!valid_utf8(unescaped_)) return syntax("the string is not valid UTF-8");
    ++at_;
    out = unescaped_;
    return true;
}

bool reader::escape() {
    if (at_ == end_) return syntax("the string does not end");
    switch (*at_++) {
    case '"': unescaped_ += '"'; return true;
    case '\\': unescaped_ += '\\'; return true;
    case '/': unescaped_ += '/'; return true;
    case 'b': unescaped_ += '\b'; return true;
    case 'f': unescaped_ += '\f'; return true;
    case 'n': unescaped_ += '\n'; return true;
    case 'r': unescaped_ += '\r'; return true;
    case 't': unescaped_ += '\t'; return true;
    case 'u': break;
    default: --at_; return syntax("unknown escape in a string");
    }
    std::uint32_t unit = 0;
    if (!code_unit(unit)) return false;
    if (unit >= 0xDC00 && unit < 0xE000) return syntax("a low surrogate without its high one");
    if (unit >= 0xD800 && unit < 0xDC00) {
        std::uint32_t low = 0;
        if (!literal("\\u") || !code_unit(low) || low < 0xDC00 || low >= 0xE000) return syntax("a high surrogate without its low one");
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(unescaped_, unit);
    return true;
}

bool reader::code_unit(std::uint32_t& out) {
    if (end_ - at_ < 4) return syntax("expected four hexadecimal digits");
    const auto [end, error] = std::from_chars(at_, at_ + 4, out, 16);
    if (end != at_ + 4) return syntax("expected four hexadecimal digits");
    at_ += 4;
    return true;
}

bool valid_utf8(std::string_view text) noexcept {
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = p + text.size();
    while (p != end) {
        if (*p < 0x80) {
            p += end - p >= ascii_step && is_ascii(p) ? ascii_step : 1;
            continue;
        }
        const int more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : 1;
        if (*p < 0xC2 || *p > 0xF4 || end - p <= more) return false;
        // The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF (Unicode, table 3-7).
        const unsigned char low = *p == 0xE0 ? 0xA0 : *p == 0xF0 ? 0x90 : 0x80;
        const unsigned char high = *p == 0xED ? 0x9F : *p == 0xF4 ? 0x8F : 0xBF;
        if (p[1] < low || p[1] > high) return false;
        for (int i = 2; i <= more; ++i)
            if ((p[i] & 0xC0) != 0x80) return false;
        p += more + 1;
    }
    return true;
}

bool decode_base64(std::string_view text, std::string& out) {
    static constexpr auto values = [] {
        std::array<signed char, 256> table{};
        table.fill(-1);
        for (int i = 0; i < 26; ++i) {
            table[static_cast<std::size_t>('A' + i)] = static_cast<signed char>(i);
            table[static_cast<std::size_t>('a' + i)] = static_cast<signed char>(26 + i);
        }
        for (int i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = static_cast<signed char>(52 + i);
        table['+'] = table['-'] = 62;
        table['/'] = table['_'] = 63;
        return table;
    }();
    std::size_t padding = 0;
    while (padding < 2 && !text.empty() && text.back() == '=') text.remove_suffix(1), ++padding;
    if (text.size() % 4 == 1 || (padding > 0 && (text.size() + padding) % 4 != 0)) return false;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const int value = values[static_cast<unsigned char>(c)];
        if (value < 0) return false;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 255);
    }
    return true;
}

}  // namespace bv::json
