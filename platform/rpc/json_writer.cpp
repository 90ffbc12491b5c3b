#include "platform/rpc/json_writer.hpp"

#include <array>
#include <cmath>

namespace bv::json {
namespace {

constexpr std::array<bool, 256> must_escape = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 32; ++c) table[static_cast<std::size_t>(c)] = true;
    table['"'] = table['\\'] = table[0x7f] = true;
    return table;
}();

void write_escape(std::string& out, unsigned char c) {
    constexpr char hex[] = "0123456789abcdef";
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
        out += "\\u00";
        out += hex[c >> 4];
        out += hex[c & 15];
    }
}

template <class Float>
void write_float(std::string& out, Float value) {
    if (std::isnan(value)) {
        out += "\"NaN\"";
    } else if (std::isinf(value)) {
        out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    } else if (value == 0 && std::signbit(value)) {
        out += "-0.0";  // many readers take "-0" for the integer, and lose the sign
    } else {
        char text[40];
        out.append(text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, value).ptr - text));
    }
}

}  // namespace

void write_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t written = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (!must_escape[c]) [[likely]]
            continue;
        out.append(text, written, i - written);
        write_escape(out, c);
        written = i + 1;
    }
    out.append(text, written);
    out += '"';
}

void write_bytes(std::string& out, std::string_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
    out += '"';
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        out += digits[group >> 18];
        out += digits[group >> 12 & 63];
        out += i + 1 < bytes.size() ? digits[group >> 6 & 63] : '=';
        out += i + 2 < bytes.size() ? digits[group & 63] : '=';
    }
    out += '"';
}

void write(std::string& out, double value) { write_float(out, value); }
void write(std::string& out, float value) { write_float(out, value); }

void write_enum(std::string& out, std::span<const enum_entry> entries, int number) {
    const auto name = [&](const enum_entry& e) {
        out += '"';
        out += e.name;
        out += '"';
    };
    // Most enums count from zero without gaps.
    const auto guess = static_cast<std::size_t>(number);
    if (number >= 0 && guess < entries.size() && entries[guess].number == number) return name(entries[guess]);
    for (const enum_entry& e : entries)
        if (e.number == number) return name(e);
    write(out, number);
}

}  // namespace bv::json
