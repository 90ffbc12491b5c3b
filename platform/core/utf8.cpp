#include "platform/core/utf8.hpp"

namespace bv {

std::size_t utf8_sequence(std::string_view text) noexcept {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t n) {
        if (text.size() < n) return false;
        for (std::size_t i = 1; i < n; ++i)
            if ((byte(i) & 0xc0) != 0x80) return false;
        return true;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return continues(2) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (!continues(3)) return 0;
        if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
        if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogate
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (!continues(4)) return 0;
        if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
        if (first == 0xf4 && byte(1) > 0x8f) return 0;  // beyond U+10FFFF
        return 4;
    }
    return 0;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto n = utf8_sequence(text);
        if (n == 0) return false;
        text.remove_prefix(n);
    }
    return true;
}

}  // namespace bv
