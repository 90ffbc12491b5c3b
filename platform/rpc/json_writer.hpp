// Writing canonical JSON of Protobuf messages (protobuf.dev/programming-guides/json): what generated code is made of.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "platform/core/assert.hpp"

namespace bv::json {

// A value of an enum and its name in the contract.
struct enum_entry {
    int number;
    std::string_view name;
};

// Appends to a string that the caller owns and that must outlive it; what was written is there after finish(). Values go into a
// buffer of the writer's own first, which is emptied into the string when it is full: a value is written with one check for
// room, and the string grows in few steps.
class writer {
public:
    static constexpr std::size_t most_room = 2048;  // bytes: what room() may be asked for

    explicit writer(std::string& out) noexcept : at_(buffer_), out_(out) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    void finish() {
        out_.append(buffer_, static_cast<std::size_t>(at_ - buffer_));
        at_ = buffer_;
    }

    // JSON as it is. The literal is one, with its terminating zero.
    void raw(std::string_view json);
    template <std::size_t Size>
    void literal(const char (&json)[Size]) {
        static_assert(Size < most_room);
        char* const at = room(Size);
        std::memcpy(at, json, Size - 1);
        advance(at + Size - 1);
    }
    // The same behind a comma or a brace.
    template <std::size_t Size>
    void literal(char before, const char (&json)[Size]) {
        static_assert(Size < most_room);
        char* const at = room(Size);
        *at = before;
        std::memcpy(at + 1, json, Size - 1);
        advance(at + Size);
    }
    void put(char c) {
        char* const at = room(1);
        *at = c;
        advance(at + 1);
    }

    // With quotes and escapes. The text is expected to be valid UTF-8, as Protobuf strings are.
    void string(std::string_view text);
    // Standard base64 with padding, in quotes.
    void bytes(std::string_view bytes);
    void value(bool value) { value ? literal("true") : literal("false"); }
    void value(std::int32_t);
    void value(std::uint32_t);
    // 64-bit integers are quoted: JavaScript's numbers hold only 53 bits.
    void value(std::int64_t);
    void value(std::uint64_t);
    // The shortest text that reads back as the same value; "NaN", "Infinity", "-Infinity" in quotes.
    void value(double);
    void value(float);
    // The name, or the number when it has none. Entries are in the contract's order.
    void enumerator(std::span<const enum_entry>, int number);

    // "key": of a map.
    void key(std::string_view key) { string(key), put(':'); }
    void key(bool key) { key ? literal("\"true\":") : literal("\"false\":"); }
    template <std::integral Int>
        requires(!std::same_as<Int, bool>)
    void key(Int key) {
        if constexpr (std::signed_integral<Int>) value(static_cast<std::int64_t>(key));
        else value(static_cast<std::uint64_t>(key));
        put(':');
    }

    // Room for so many bytes, at most most_room; advance() tells where they ended.
    [[nodiscard]] char* room(std::size_t bytes) {
        BV_ASSERT(bytes <= most_room);
        if (static_cast<std::size_t>(buffer_ + sizeof buffer_ - at_) < bytes) [[unlikely]]
            finish();
        return at_;
    }
    void advance(char* end) noexcept { at_ = end; }

private:
    char* at_;
    std::string& out_;
    char buffer_[2 * most_room];
};

// Whether a field without presence is written: minus zero is.
inline bool is_set(double value) { return std::bit_cast<std::uint64_t>(value) != 0; }
inline bool is_set(float value) { return std::bit_cast<std::uint32_t>(value) != 0; }

// Braces and commas of one object; close() ends it.
class object_writer {
public:
    explicit object_writer(writer& out) noexcept : out_(out) {}
    // The name as it is to appear, with quotes and colon: key("\"id\":").
    template <std::size_t Size>
    void key(const char (&literal)[Size]) {
        out_.literal(before_, literal);
        before_ = ',';
    }
    void close() { before_ == '{' ? out_.literal("{}") : out_.literal("}"); }

private:
    writer& out_;
    char before_ = '{';
};

template <class List, class Write>
void write_list(writer& out, const List& list, Write item) {
    char before = '[';
    for (const auto& value : list) {
        out.put(before);
        item(value);
        before = ',';
    }
    before == '[' ? out.literal("[]") : out.literal("]");
}

template <class Map, class Write>
void write_map(writer& out, const Map& map, Write item) {
    char before = '{';
    for (const auto& [key, value] : map) {
        out.put(before);
        out.key(key);
        item(value);
        before = ',';
    }
    before == '{' ? out.literal("{}") : out.literal("}");
}

// Appends a message by its generated write_json.
template <class Message>
void append(std::string& out, const Message& message) {
    writer to(out);
    write_json(to, message);
    to.finish();
}

}  // namespace bv::json
