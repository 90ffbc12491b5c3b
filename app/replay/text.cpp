#include "app/replay/text.hpp"

#include <cstdint>

namespace bv::replay {

namespace {

// Length of the well-formed character at the start; 0 when there is none (RFC 3629 section 4).
std::size_t character(std::string_view s) noexcept {
    const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
    const auto b = byte(0);
    if (b < 0x80) return 1;
    if (b >= 0xC2 && b <= 0xDF) return tail(1) ? 2 : 0;
    if (b >= 0xE0 && b <= 0xEF) {
        const bool overlong = b == 0xE0 && byte(1) < 0xA0, surrogate = b == 0xED && byte(1) > 0x9F;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (b >= 0xF0 && b <= 0xF4) {
        const bool overlong = b == 0xF0 && byte(1) < 0x90, beyond = b == 0xF4 && byte(1) > 0x8F;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

bool is_utf8(std::string_view s) noexcept {
    while (!s.empty()) {
        const auto n = character(s);
        if (n == 0) return false;
        s.remove_prefix(n);
    }
    return true;
}

}  // namespace

std::string as_utf8(std::string_view text, std::size_t longest) {
    const bool utf8 = is_utf8(text);
    std::string out;
    while (!text.empty()) {
        const auto b = static_cast<unsigned char>(text[0]);
        std::string next(text.substr(0, utf8 ? character(text) : 1));
        text.remove_prefix(next.size());
        if (b < 0x20 || b == 0x7F) next = " ";
        else if (!utf8 && b >= 0x80) next = {static_cast<char>(0xC0 | (b >> 6)), static_cast<char>(0x80 | (b & 0x3F))};
        if (out.size() + next.size() > longest) break;
        out += next;
    }
    return out;
}

}  // namespace bv::replay
