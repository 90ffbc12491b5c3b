#include "platform/security/encoding.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace bv::security {

namespace {

constexpr std::string_view alphabet64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view alphabet62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789abcdef";

constexpr std::array<std::int8_t, 256> values_of(std::string_view alphabet) {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return out;
}
constexpr auto values64 = values_of(alphabet64);
constexpr auto values62 = values_of(alphabet62);

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string base64url(std::span<const std::uint8_t> bytes) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    int have = 0;
    for (const std::uint8_t b : bytes) {
        bits = bits << 8 | b;
        for (have += 8; have >= 6; have -= 6) out += alphabet64[bits >> (have - 6) & 63];
    }
    if (have > 0) out += alphabet64[bits << (6 - have) & 63];
    return out;
}

std::optional<std::string> parse_base64url(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int have = 0;
    for (const char c : text) {
        const int value = values64[static_cast<unsigned char>(c)];
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out += static_cast<char>(bits >> have & 255);
    }
    if ((bits & ((1u << have) - 1)) != 0) return std::nullopt;
    return out;
}

std::string base64(std::string_view bytes) {
    std::string out = base64url(bytes);
    for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
    out.append((4 - out.size() % 4) % 4, '=');
    return out;
}

std::optional<std::string> parse_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    if (text.find_first_of("-_") != text.npos) return std::nullopt;
    std::string url(text);
    for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return parse_base64url(url);
}

std::string hex(std::span<const std::uint8_t> bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t b : bytes) {
        out += digits[b >> 4];
        out += digits[b & 15];
    }
    return out;
}

std::optional<std::string> parse_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

std::size_t base62_length(std::size_t bytes) noexcept {
    return static_cast<std::size_t>(std::ceil(static_cast<double>(bytes) * 8 / std::log2(62.0)));
}

std::string base62(std::span<const std::uint8_t> bytes) {
    std::string number(as_text(bytes));
    std::string out(base62_length(bytes.size()), '0');
    for (auto digit = out.rbegin(); digit != out.rend(); ++digit) {
        unsigned remainder = 0;
        for (char& c : number) {
            const unsigned value = remainder * 256 + static_cast<unsigned char>(c);
            c = static_cast<char>(value / 62);
            remainder = value % 62;
        }
        *digit = alphabet62[remainder];
    }
    return out;
}

std::optional<std::string> parse_base62(std::string_view text, std::size_t bytes) {
    if (text.size() != base62_length(bytes)) return std::nullopt;
    std::string out(bytes, '\0');
    for (const char digit : text) {
        const int value = values62[static_cast<unsigned char>(digit)];
        if (value < 0) return std::nullopt;
        auto carry = static_cast<unsigned>(value);
        for (auto c = out.rbegin(); c != out.rend(); ++c) {
            carry += static_cast<unsigned char>(*c) * 62u;
            *c = static_cast<char>(carry & 255);
            carry >>= 8;
        }
        if (carry != 0) return std::nullopt;
    }
    return out;
}

}  // namespace bv::security
