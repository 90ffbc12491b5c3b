#include "platform/net/http/message.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = syntax::hex(text[i + 1]), low = syntax::hex(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (syntax::is(c, syntax::unreserved_bit)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%', out += digits[byte >> 4], out += digits[byte & 15];
        }
    }
    return out;
}

}  // namespace bv::http
