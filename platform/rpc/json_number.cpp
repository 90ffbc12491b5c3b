// The numbers of the JSON reader: strict grammar, exact integers (also as 1.5e3), range checks.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include "platform/rpc/json_reader.hpp"

namespace bv::json {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The end of the number that starts at p, or null (RFC 8259 section 6).
const char* number_end(const char* p, const char* end) noexcept {
    const auto digits = [&] {
        const char* const start = p;
        while (p != end && is_digit(*p)) ++p;
        return p != start;
    };
    if (p != end && *p == '-') ++p;
    if (p != end && *p == '0') ++p;
    else if (!digits()) return nullptr;
    if (p != end && *p == '.') {
        ++p;
        if (!digits()) return nullptr;
    }
    if (p != end && (*p == 'e' || *p == 'E')) {
        ++p;
        if (p != end && (*p == '+' || *p == '-')) ++p;
        if (!digits()) return nullptr;
    }
    return p;
}

bool is_number(std::string_view token) noexcept {
    return !token.empty() && number_end(token.data(), token.data() + token.size()) == token.data() + token.size();
}

enum class outcome : unsigned char { ok, fraction, range };

// A number with a point or an exponent as an integer, exactly.
template <class Int>
outcome scaled_integer(std::string_view token, Int& out) {
    std::string digits;
    int exponent = 0;
    bool after_point = false;
    std::size_t i = token.front() == '-' ? 1 : 0;
    for (; i < token.size() && token[i] != 'e' && token[i] != 'E'; ++i) {
        if (token[i] == '.') {
            after_point = true;
            continue;
        }
        digits += token[i];
        if (after_point) --exponent;
    }
    if (i < token.size()) {
        const char* from = token.data() + i + 1;
        if (*from == '+') ++from;
        int written = 0;
        if (std::from_chars(from, token.data() + token.size(), written).ec != std::errc{} || std::abs(written) > 1'000'000)
            written = token[i + 1] == '-' ? -1'000'000 : 1'000'000;
        exponent += written;
    }
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    if (digits.empty()) return out = 0, outcome::ok;
    while (exponent < 0 && !digits.empty() && digits.back() == '0') digits.pop_back(), ++exponent;
    if (exponent < 0) return outcome::fraction;
    if (digits.size() + static_cast<std::size_t>(exponent) > 20) return outcome::range;
    digits.append(static_cast<std::size_t>(exponent), '0');
    if (token.front() == '-') digits.insert(0, 1, '-');
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return parsed.ec == std::errc{} ? outcome::ok : outcome::range;
}

template <class Int>
outcome parse_integer(std::string_view token, Int& out) {
    const char* const end = token.data() + token.size();
    const auto parsed = std::from_chars(token.data(), end, out);
    if (parsed.ec == std::errc{} && parsed.ptr == end) return outcome::ok;
    return scaled_integer(token, out);
}

template <class Int>
std::string range_text() {
    return "must be an integer from " + std::to_string(std::numeric_limits<Int>::min()) + " to " +
           std::to_string(std::numeric_limits<Int>::max());
}

template <class Float>
bool parse_float(std::string_view token, Float& out) {
    const auto parsed = std::from_chars(token.data(), token.data() + token.size(), out);
    if (parsed.ec == std::errc{}) return true;
    // Out of range: too small is zero (or subnormal), too large is refused.
    const double wide = std::strtod(std::string(token).c_str(), nullptr);
    out = static_cast<Float>(wide);
    return std::isfinite(out);
}

}  // namespace

bool reader::number_token(std::string_view& token) {
    space();
    const char* const end = number_end(at_, end_);
    if (end == nullptr) return syntax("expected a value");
    token = {at_, static_cast<std::size_t>(end - at_)};
    at_ = end;
    return true;
}

// An integer as programs write it, in quotes or not: up to 18 digits, within range, and nothing behind them that makes it
// another number. False: it is something else, and nothing was read.
template <std::integral Int>
bool reader::usual_integer(Int& out) noexcept {
    constexpr std::ptrdiff_t most_digits = 18;
    const char* p = at_;
    const bool quoted = p != end_ && *p == '"';
    if (quoted) ++p;
    const bool negative = std::is_signed_v<Int> && p != end_ && *p == '-';
    if (negative) ++p;
    const char* const digits = p;
    const char* const last = end_ - p > most_digits ? p + most_digits : end_;
    std::uint64_t value = 0;
    while (p != last && is_digit(*p)) value = value * 10 + static_cast<std::uint64_t>(*p++ - '0');
    if (p == digits || p == end_ || (*digits == '0' && p - digits > 1) || value > static_cast<std::uint64_t>(std::numeric_limits<Int>::max())) return false;
    if (quoted ? *p != '"' : is_digit(*p) || *p == '.' || *p == 'e' || *p == 'E') return false;
    at_ = quoted ? p + 1 : p;
    const auto whole = static_cast<Int>(value);
    out = negative ? static_cast<Int>(-whole) : whole;
    return true;
}

template <std::integral Int>
bool reader::any_integer(Int& out) {
    std::string_view token;
    const char next = peek();
    if (next == '"') {
        if (!text(token)) return false;
        if (!is_number(token)) return refuse(range_text<Int>());
    } else if (next == '-' || is_digit(next)) {
        if (!number_token(token)) return false;
    } else {
        return expected("an integer");
    }
    switch (parse_integer(token, out)) {
    case outcome::ok: return true;
    case outcome::fraction: return refuse("must be an integer, without a fraction");
    case outcome::range: return refuse(range_text<Int>());
    }
    return false;
}

bool reader::read(std::int32_t& out) { return usual_integer(out) || any_integer(out); }
bool reader::read(std::int64_t& out) { return usual_integer(out) || any_integer(out); }
bool reader::read(std::uint32_t& out) { return usual_integer(out) || any_integer(out); }
bool reader::read(std::uint64_t& out) { return usual_integer(out) || any_integer(out); }

template <class Float>
bool reader::read_float(Float& out) {
    std::string_view token;
    const char next = peek();
    if (next == '"') {
        if (!text(token)) return false;
        if (token == "NaN") return out = std::numeric_limits<Float>::quiet_NaN(), true;
        if (token == "Infinity") return out = std::numeric_limits<Float>::infinity(), true;
        if (token == "-Infinity") return out = -std::numeric_limits<Float>::infinity(), true;
        if (!is_number(token)) return refuse("expected a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
    } else if (next == '-' || is_digit(next)) {
        if (!number_token(token)) return false;
    } else {
        return expected("a number");
    }
    return parse_float(token, out) || refuse("the number is too large");
}

bool reader::read(float& out) { return read_float(out); }
bool reader::read(double& out) { return read_float(out); }

bool reader::plain_number(double& out) {
    std::string_view token;
    const char next = peek();
    if (next != '-' && !is_digit(next)) return expected("a value");
    if (!number_token(token)) return false;
    return parse_float(token, out) || refuse("the number is too large");
}

namespace {
template <class Int>
bool integer_key(reader& in, std::string_view text, Int& key) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), key);
    if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && is_number(text)) return true;
    return in.refuse("the key " + range_text<Int>());
}
}  // namespace

bool reader::map_key(std::string_view text, std::int32_t& key) { return integer_key(*this, text, key); }
bool reader::map_key(std::string_view text, std::int64_t& key) { return integer_key(*this, text, key); }
bool reader::map_key(std::string_view text, std::uint32_t& key) { return integer_key(*this, text, key); }
bool reader::map_key(std::string_view text, std::uint64_t& key) { return integer_key(*this, text, key); }

}  // namespace bv::json
