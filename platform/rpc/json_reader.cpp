#include "platform/rpc/json_reader.hpp"

#include <array>
#include <cctype>
#include <cstring>

#include "platform/rpc/nearest.hpp"

namespace bv::json {
namespace {

constexpr std::size_t shown_bytes = 40;  // of what the client wrote, in messages

std::string shown(std::string_view text) {
    std::string out;
    write_string(out, text.substr(0, shown_bytes));
    if (text.size() > shown_bytes) out += "…";
    return valid_utf8(out) ? out : "a string";
}

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

}  // namespace

bool reader::syntax(std::string_view description) {
    if (failed_) return false;
    failed_ = true;
    error_.syntax = true;
    error_.description = description;
    error_.line = 1;
    const char* line_start = begin_;
    for (const char* p = begin_; p != at_; ++p)
        if (*p == '\n') ++error_.line, line_start = p + 1;
    error_.column = static_cast<std::size_t>(at_ - line_start) + 1;
    return false;
}

bool reader::refuse(std::string description) {
    if (failed_) return false;
    failed_ = true;
    error_.description = std::move(description);
    return false;
}

bool reader::duplicate(std::string_view key) {
    refuse("is given more than once; give it once");
    return inside(key);
}

bool reader::unknown(std::string_view key, std::span<const std::string_view> names) {
    if (options_.ignore_unknown) return skip();
    std::string description = "unknown field";
    if (const auto near = nearest(key, names); !near.empty()) {
        description += "; did you mean ";
        description += near;
        description += '?';
    }
    refuse(std::move(description));
    return inside(key.substr(0, shown_bytes));
}

bool reader::inside(std::string_view field) {
    std::string path(field);
    if (!error_.path.empty() && error_.path.front() != '[') path += '.';
    error_.path.insert(0, path);
    return false;
}

bool reader::inside(std::size_t index) {
    std::string path = '[' + std::to_string(index) + ']';
    if (!error_.path.empty() && error_.path.front() != '[') path += '.';
    error_.path.insert(0, path);
    return false;
}

bool reader::inside_key(std::string_view key) {
    std::string path = "[" + shown(key) + "]";
    if (!error_.path.empty() && error_.path.front() != '[') path += '.';
    error_.path.insert(0, path);
    return false;
}

bv::error reader::to_error() const {
    if (!error_.syntax) return invalid({{error_.path, error_.description}}).error();
    std::string message = "The JSON is malformed at line " + std::to_string(error_.line) + ", column " +
                          std::to_string(error_.column) + ": " + error_.description + '.';
    return {code::invalid_argument, "MALFORMED_JSON", std::move(message), {}, {}};
}

char reader::peek() {
    space();
    return at_ == end_ ? '\0' : *at_;
}

// Names what is there instead.
bool reader::expected(std::string_view what) {
    if (failed_) return false;
    std::string description = "expected ";
    description += what;
    switch (peek()) {
    case '\0':
        if (at_ == end_) return syntax(description + ", but the text ends here");
        return syntax(description);
    case '"': return refuse(description + ", found a string");
    case '{': return refuse(description + ", found an object");
    case '[': return refuse(description + ", found an array");
    case 't':
    case 'f': return refuse(description + ", found a boolean");
    case 'n': return refuse(description + ", found null");
    default:
        if (*at_ == '-' || (*at_ >= '0' && *at_ <= '9')) return refuse(description + ", found a number");
        return syntax(description);
    }
}

bool reader::begin_object() {
    if (peek() != '{') return expected("an object");
    if (++depth_ > options_.max_depth) return refuse("is nested more than " + std::to_string(options_.max_depth) + " levels deep");
    ++at_;
    first_ = true;
    return true;
}

bool reader::next_key(std::string_view& key) {
    if (failed_) return false;
    const char next = peek();
    if (next == '}') {
        ++at_, --depth_, first_ = false;
        return false;
    }
    if (!first_) {
        if (next != ',') return syntax("expected ',' or '}'");
        ++at_;
    }
    first_ = false;
    if (peek() != '"') return syntax("expected a key in quotes");
    if (!text(key)) return false;
    if (peek() != ':') return syntax("expected ':'");
    ++at_;
    return true;
}

bool reader::begin_array() {
    if (peek() != '[') return expected("an array");
    if (++depth_ > options_.max_depth) return refuse("is nested more than " + std::to_string(options_.max_depth) + " levels deep");
    ++at_;
    first_ = true;
    return true;
}

bool reader::next_item() {
    if (failed_) return false;
    const char next = peek();
    if (next == ']') {
        ++at_, --depth_;
        first_ = false;
        return false;
    }
    if (!first_) {
        if (next != ',') return syntax("expected ',' or ']'");
        ++at_;
    }
    first_ = false;
    return true;
}

bool reader::literal(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) return false;
    at_ += word.size();
    return true;
}

bool reader::null() { return peek() == 'n' && literal("null"); }

bool reader::read(bool& out) {
    const char next = peek();
    if (next == 't' && literal("true")) return out = true, true;
    if (next == 'f' && literal("false")) return out = false, true;
    if (next == 't' || next == 'f') return syntax("expected true or false");
    return expected("true or false");
}

bool reader::text(std::string_view& out) {
    if (peek() != '"') return expected("a string");
    const char* const start = ++at_;
    unsigned char high = 0;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 32) {
        high |= static_cast<unsigned char>(*at_);
        ++at_;
    }
    if (at_ == end_ || *at_ != '"') return escaped_string(start, out);
    out = {start, static_cast<std::size_t>(at_ - start)};
    if ((high & 0x80) != 0 && !valid_utf8(out)) return syntax("the string is not valid UTF-8");
    ++at_;
    return true;
}

bool reader::escaped_string(const char* start, std::string_view& out) {
    unescaped_.assign(start, at_);
    while (at_ != end_ && *at_ != '"') {
        if (static_cast<unsigned char>(*at_) < 32) return syntax("control characters in strings must be escaped");
        if (*at_ != '\\') {
            unescaped_ += *at_++;
            continue;
        }
        ++at_;
        if (!escape()) return false;
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

bool reader::read(std::string& out) {
    std::string_view value;
    if (!text(value)) return false;
    out.assign(value);
    return true;
}

bool reader::read_bytes(std::string& out) {
    std::string_view value;
    if (!text(value)) return false;
    out.clear();
    return decode_base64(value, out) || refuse("expected base64");
}

bool reader::read_enum(std::span<const enum_entry> entries, int& out, bool open) {
    if (peek() != '"') {
        if (*at_ != '-' && (*at_ < '0' || *at_ > '9')) return expected("the name of an enum value");
        std::int32_t number = 0;
        if (!read(number)) return false;
        for (const enum_entry& e : entries) open = open || e.number == number;
        out = number;
        return open || refuse(std::to_string(number) + " is not a value of the enum");
    }
    std::string_view name;
    if (!text(name)) return false;
    for (const enum_entry& e : entries)
        if (e.name == name) return out = e.number, true;
    std::string allowed;
    for (const enum_entry& e : entries) (allowed += allowed.empty() ? "" : ", ") += e.name;
    return refuse(shown(name) + " is not one of " + allowed);
}

bool reader::skip() {
    switch (peek()) {
    case '"': {
        std::string_view ignored;
        return text(ignored);
    }
    case '{':
        if (!begin_object()) return false;
        for (std::string_view key; next_key(key);)
            if (!skip()) return false;
        return ok();
    case '[':
        if (!begin_array()) return false;
        while (next_item())
            if (!skip()) return false;
        return ok();
    case 't':
    case 'f': {
        bool ignored = false;
        return read(ignored);
    }
    case 'n': return null() || syntax("expected a value");
    default: {
        std::string_view ignored;
        return number_token(ignored);
    }
    }
}

bool reader::finish() {
    if (failed_) return false;
    return (peek() == '\0' && at_ == end_) || syntax("nothing may follow the value");
}

bool reader::map_key(std::string_view text, bool& key) {
    key = text == "true";
    return key || text == "false" || refuse("the key must be true or false");
}

bool valid_utf8(std::string_view text) noexcept {
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = p + text.size();
    while (p != end) {
        if (*p < 0x80) {
            ++p;
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
