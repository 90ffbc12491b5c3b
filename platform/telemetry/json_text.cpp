#include "platform/telemetry/json_text.hpp"

#include <cmath>

#include <fmt/format.h>

#include "platform/core/utf8.hpp"

namespace bv::telemetry {

namespace {

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
        const std::size_t length = utf8_sequence(text.substr(i));
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
