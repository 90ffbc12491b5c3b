#include "platform/telemetry/json_text.hpp"

#include <cmath>

#include <fmt/format.h>

namespace bv::telemetry {

namespace {

// Length of the UTF-8 sequence (RFC 3629) at the start of the text, 0 when malformed.
std::size_t sequence_length(std::string_view text) noexcept {
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

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;  // start of what needs no change
    std::size_t i = 0;
    const auto copy_plain = [&] { out.append(text.substr(plain, i - plain)); };
    while (i < text.size()) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
            ++i;
            continue;
        }
        if (byte < 0x80) {
            copy_plain();
            append_escape(out, c);
            plain = ++i;
            continue;
        }
        const std::size_t length = sequence_length(text.substr(i));
        if (length == 0) {
            copy_plain();
            out += "\xef\xbf\xbd";
            plain = ++i;
        } else {
            i += length;
        }
    }
    copy_plain();
    out += '"';
}

void append_json_key(std::string& out, std::string_view name) {
    if (!out.empty() && out.back() != '{' && out.back() != '[') out += ',';
    append_json_string(out, name);
    out += ':';
}

void append_json_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    fmt::format_to(std::back_inserter(out), "{}", value);
}

}  // namespace bv::telemetry
