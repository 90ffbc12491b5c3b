#include "platform/rpc/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "platform/rpc/json_block.hpp"

namespace bv::json {
namespace {

constexpr std::size_t longest_escape = 6;   // \u001f
constexpr std::size_t longest_number = 32;  // a double's shortest form, a 64-bit integer with quotes

bool must_escape(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 32 || c == '"' || c == '\\' || byte == 0x7f;
}

char* put_text(char* at, std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

char* put_escape(char* at, unsigned char c) {
    constexpr char hex[] = "0123456789abcdef";
    switch (c) {
    case '"': return put_text(at, "\\\"");
    case '\\': return put_text(at, "\\\\");
    case '\n': return put_text(at, "\\n");
    case '\r': return put_text(at, "\\r");
    case '\t': return put_text(at, "\\t");
    default:
        at = put_text(at, "\\u00");
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
        return at;
    }
}

template <class Word>
Word load(const char* from) {
    Word out;
    std::memcpy(&out, from, sizeof out);
    return out;
}

constexpr std::uint64_t spaces = 0x2020202020202020;  // they need no escape

// The same for less than a block, which must not be read beyond its end: two words that overlap.
bool copy_short(char* to, const char* from, std::size_t size) {
    if (size >= 8) {
        const auto first = load<std::uint64_t>(from), last = load<std::uint64_t>(from + size - 8);
        std::memcpy(to, &first, 8);
        std::memcpy(to + size - 8, &last, 8);
        return block(first, last).to_escape() == 0;
    }
    if (size >= 4) {
        const auto first = load<std::uint32_t>(from), last = load<std::uint32_t>(from + size - 4);
        std::memcpy(to, &first, 4);
        std::memcpy(to + size - 4, &last, 4);
        return block(first | std::uint64_t{last} << 32, spaces).to_escape() == 0;
    }
    unsigned found = 0;
    for (std::size_t i = 0; i < size; ++i) found |= must_escape(to[i] = from[i]);
    return found == 0;
}

// Copies what comes before the first byte that must be escaped; returns how much that was. `to` has room for all and a block.
std::size_t copy_plain(char* to, const char* from, std::size_t size) {
    if (size < block::size) {
        if (copy_short(to, from, size)) [[likely]]
            return size;
        return static_cast<std::size_t>(std::find_if(from, from + size, must_escape) - from);
    }
    std::size_t done = 0;
    while (true) {
        const block bytes(from + done);
        bytes.store(to + done);
        if (const unsigned found = bytes.to_escape()) return done + before_first(found);
        done += block::size;
        if (done == size) return size;
        // The last block overlaps what was found plain.
        if (size - done < block::size) done = size - block::size;
    }
}

template <class Int>
char* put_integer(char* at, Int value) {
    return std::to_chars(at, at + longest_number, value).ptr;
}

template <class Float>
char* put_float(char* at, Float value) {
    if (std::isnan(value)) return put_text(at, "\"NaN\"");
    if (std::isinf(value)) return put_text(at, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    // Many readers take "-0" for the integer, and lose the sign.
    if (value == 0 && std::signbit(value)) return put_text(at, "-0.0");
    return std::to_chars(at, at + longest_number, value).ptr;
}

}  // namespace

void writer::raw(std::string_view json) {
    while (!json.empty()) {
        const std::size_t part = std::min(json.size(), most_room);
        advance(put_text(room(part), json.substr(0, part)));
        json.remove_prefix(part);
    }
}

void writer::string(std::string_view text) {
    constexpr std::size_t around = 2 + longest_escape + block::size;  // quotes, an escape, and what a whole block writes too much
    char* at = room(std::min(text.size() + around, most_room));
    *at++ = '"';
    while (true) {
        const std::size_t part = std::min(text.size(), most_room - around);
        const std::size_t plain = copy_plain(at, text.data(), part);
        at += plain;
        if (plain < part) {
            at = put_escape(at, static_cast<unsigned char>(text[plain]));
            text.remove_prefix(plain + 1);
        } else {
            text.remove_prefix(plain);
            if (text.empty()) break;
        }
        advance(at);
        at = room(std::min(text.size() + around, most_room));
    }
    *at++ = '"';
    advance(at);
}

void writer::bytes(std::string_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
    put('"');
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        char* const to = room(4);
        to[0] = digits[group >> 18];
        to[1] = digits[group >> 12 & 63];
        to[2] = i + 1 < bytes.size() ? digits[group >> 6 & 63] : '=';
        to[3] = i + 2 < bytes.size() ? digits[group & 63] : '=';
        advance(to + 4);
    }
    put('"');
}

void writer::value(std::int32_t value) { advance(put_integer(room(longest_number), value)); }
void writer::value(std::uint32_t value) { advance(put_integer(room(longest_number), value)); }

void writer::value(std::int64_t value) {
    char* const at = room(longest_number + 2);
    *at = '"';
    char* const end = put_integer(at + 1, value);
    *end = '"';
    advance(end + 1);
}

void writer::value(std::uint64_t value) {
    char* const at = room(longest_number + 2);
    *at = '"';
    char* const end = put_integer(at + 1, value);
    *end = '"';
    advance(end + 1);
}

void writer::value(double value) { advance(put_float(room(longest_number), value)); }
void writer::value(float value) { advance(put_float(room(longest_number), value)); }

void writer::enumerator(std::span<const enum_entry> entries, int number) {
    // Most enums count from zero without gaps.
    const auto guess = static_cast<std::size_t>(number);
    if (number >= 0 && guess < entries.size() && entries[guess].number == number) return string(entries[guess].name);
    for (const enum_entry& e : entries)
        if (e.number == number) return string(e.name);
    value(number);
}

}  // namespace bv::json
