// Writing canonical JSON of Protobuf messages (protobuf.dev/programming-guides/json): what generated code is made of.
// Everything appends to a string that the caller owns.
#pragma once

#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bv::json {

// With quotes and escapes. The text is expected to be valid UTF-8, as Protobuf strings are.
void write_string(std::string& out, std::string_view text);
// Standard base64 with padding, in quotes.
void write_bytes(std::string& out, std::string_view bytes);
// The shortest text that reads back as the same value; "NaN", "Infinity", "-Infinity" in quotes.
void write(std::string& out, double);
void write(std::string& out, float);

// Whether a field without presence is written: minus zero is.
inline bool is_set(double value) { return std::bit_cast<std::uint64_t>(value) != 0; }
inline bool is_set(float value) { return std::bit_cast<std::uint32_t>(value) != 0; }

inline void write(std::string& out, bool value) { out += value ? "true" : "false"; }

template <std::integral Int>
    requires(sizeof(Int) == 4)
void write(std::string& out, Int value) {
    char text[16];
    out.append(text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, value).ptr - text));
}

// 64-bit integers are quoted: JavaScript's numbers hold only 53 bits.
template <std::integral Int>
    requires(sizeof(Int) == 8)
void write(std::string& out, Int value) {
    char text[24];
    text[0] = '"';
    char* end = std::to_chars(text + 1, text + sizeof text - 1, value).ptr;
    *end++ = '"';
    out.append(text, static_cast<std::size_t>(end - text));
}

// A value of an enum and its name in the contract.
struct enum_entry {
    int number;
    std::string_view name;
};
// The name, or the number when it has none. Entries are in the contract's order.
void write_enum(std::string& out, std::span<const enum_entry>, int number);

// "key": of a map.
inline void write_key(std::string& out, std::string_view key) { write_string(out, key), out += ':'; }
inline void write_key(std::string& out, bool key) { out += key ? "\"true\":" : "\"false\":"; }
template <std::integral Int>
void write_key(std::string& out, Int key) {
    write(out, static_cast<std::int64_t>(key)), out += ':';
}
inline void write_key(std::string& out, std::uint64_t key) { write<std::uint64_t>(out, key), out += ':'; }

// Braces and commas of one object: opened when made; close() ends it.
class object_writer {
public:
    explicit object_writer(std::string& out) : out_(out) {
        out_ += '{';
        start_ = out_.size();
    }
    // The name as it is to appear, with quotes and colon: key("\"id\":").
    void key(std::string_view literal) {
        if (out_.size() != start_) out_ += ',';
        out_ += literal;
    }
    void close() { out_ += '}'; }

private:
    std::string& out_;
    std::size_t start_;
};

template <class List, class Write>
void write_list(std::string& out, const List& list, Write item) {
    char before = '[';
    for (const auto& value : list) {
        out += before;
        item(value);
        before = ',';
    }
    out += before == '[' ? "[]" : "]";
}

template <class Map, class Write>
void write_map(std::string& out, const Map& map, Write item) {
    char before = '{';
    for (const auto& [key, value] : map) {
        out += before;
        write_key(out, key);
        item(value);
        before = ',';
    }
    out += before == '{' ? "{}" : "}";
}

}  // namespace bv::json
