// Character classes of HTTP's grammar (RFC 9110 section 5.6, RFC 3986), shared by parsers and serializers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace bv::http::syntax {

inline constexpr std::uint8_t token_bit = 1, value_bit = 2, target_bit = 4, authority_bit = 8, unreserved_bit = 16;

[[nodiscard]] consteval std::array<std::uint8_t, 256> make_table() {
    std::array<std::uint8_t, 256> t{};
    const auto mark = [&t](std::string_view chars, unsigned bits) {
        for (const char c : chars) t[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(bits);
    };
    for (unsigned c = 0x20; c < 256; ++c) t[c] |= c == 0x7f ? 0 : value_bit;
    t['\t'] |= value_bit;
    for (unsigned c = 0x21; c < 0x7f; ++c) t[c] |= target_bit;
    t['#'] = static_cast<std::uint8_t>(t['#'] & ~target_bit);  // a fragment is never sent
    for (unsigned c = 0; c < 26; ++c)
        for (const unsigned letter : {'a' + c, 'A' + c}) t[letter] |= token_bit | authority_bit | unreserved_bit;
    mark("0123456789-._~", token_bit | authority_bit | unreserved_bit);
    mark("!#$%&'*+^`|", token_bit);
    mark("!$&'()*+,;=:%[]", authority_bit);
    return t;
}

inline constexpr std::array<std::uint8_t, 256> table = make_table();

[[nodiscard]] constexpr bool is(char c, std::uint8_t bit) noexcept { return table[static_cast<unsigned char>(c)] & bit; }
[[nodiscard]] constexpr bool all(std::string_view s, std::uint8_t bit) noexcept {
    return std::all_of(s.begin(), s.end(), [bit](char c) { return is(c, bit); });
}

[[nodiscard]] constexpr bool is_token(std::string_view s) noexcept { return !s.empty() && all(s, token_bit); }
// What may stand in a field value: no CR, LF, NUL or other control characters.
[[nodiscard]] constexpr bool is_value(std::string_view s) noexcept { return all(s, value_bit); }

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
[[nodiscard]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}
[[nodiscard]] constexpr std::string_view trim(std::string_view s) noexcept {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}
// Whether a comma-separated list holds the element, ignoring case: "keep-alive, Close".
[[nodiscard]] constexpr bool list_has(std::string_view list, std::string_view element) noexcept {
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        if (iequals(trim(list.substr(0, comma)), element)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}
// -1 when not a hexadecimal digit.
[[nodiscard]] constexpr int hex(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace bv::http::syntax
