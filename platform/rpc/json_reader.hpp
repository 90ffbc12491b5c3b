// Reading JSON (RFC 8259) into Protobuf messages without a document in between: what generated code is made of.
// Strict: valid UTF-8, no duplicate keys, no unknown fields, no trailing text, a limit on depth, numbers in range.
// Every function returns false once something was wrong; the first error is kept, with the path to it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/rpc/json_writer.hpp"

namespace bv::json {

struct read_options {
    int max_depth = 64;           // objects and arrays inside each other
    bool ignore_unknown = false;  // skip unknown fields instead of refusing them
};

struct read_error {
    std::string path;         // "lines[2].quantity"; empty at the root
    std::string description;  // what is wrong and what is allowed
    bool syntax = false;      // it is not JSON; else it is JSON of another shape
    std::size_t line = 0, column = 0;  // from 1
};

// A field as the key of a JSON object: by its lowerCamelCase name, or by that of the contract. The first bytes of `"name":`, as
// programs write it, are kept so that a text can be compared with all of them at once.
struct field_key {
    static constexpr std::size_t head_size = 16;

    constexpr field_key(std::string_view json_name, std::string_view contract_name, bool null_is_value = false)
        : length(json_name.size() + 3), name(json_name), original(contract_name), takes_null(null_is_value) {
        for (std::size_t i = 0; i < head_size && i < length; ++i) {
            head[i] = i == 0 || i == length - 2 ? '"' : i == length - 1 ? ':' : name[i - 1];
            mask |= 1U << i;
        }
    }

    alignas(head_size) char head[head_size] = {};
    unsigned mask = 0;   // which bytes of head there are
    std::size_t length;  // of `"name":`
    std::string_view name, original;
    bool takes_null;  // null is a value of it, not its absence
};

// The text must outlive the reader. One reader, one text, one thread.
class reader {
public:
    explicit reader(std::string_view text, read_options options = {})
        : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()), options_(options) {}

    // for (begin_object(); next_key(k);) …; next_key is false at the end and after an error. A key is valid until the
    // next read.
    bool begin_object() { return begin('{', "an object"); }
    bool next_key(std::string_view& key);
    // The same for a message: for (int f = -1; (f = next_field(keys, seen, f)) >= 0;) …; f is the number of the key, and `seen` has
    // a bit for each. Fields that are null are absent, unless null is a value of theirs. Quickest when they come in the order of
    // `keys`.
    int next_field(std::span<const field_key> keys, std::uint64_t* seen, int last);
    bool begin_array() { return begin('[', "an array"); }
    bool next_item();

    bool read(bool&);
    bool read(std::int32_t&);
    bool read(std::int64_t&);
    bool read(std::uint32_t&);
    bool read(std::uint64_t&);
    bool read(float&);
    bool read(double&);
    bool read(std::string&);
    bool read_bytes(std::string&);                                   // base64, either alphabet, padding optional
    bool read_enum(std::span<const enum_entry>, int&, bool open = true);  // by name or number; open: any number
    bool null();                                                     // whether there is null; it is then read
    bool text(std::string_view&);                                    // a string, valid until the next read
    bool skip();                                                     // any value
    bool finish();                                                   // only white space is left
    [[nodiscard]] char peek() noexcept {  // the next character that is not white space; 0 at the end
        space();
        return at_ == end_ ? '\0' : *at_;
    }
    // A number where one is next, for google.protobuf.Value.
    bool plain_number(double&);

    // Map keys: the text of a key as the map's key type.
    bool map_key(std::string_view text, std::string& key) { return key.assign(text), true; }
    bool map_key(std::string_view text, bool& key);
    bool map_key(std::string_view text, std::int32_t& key);
    bool map_key(std::string_view text, std::int64_t& key);
    bool map_key(std::string_view text, std::uint32_t& key);
    bool map_key(std::string_view text, std::uint64_t& key);

    [[nodiscard]] bool ok() const noexcept { return !failed_; }
    [[nodiscard]] const read_error& error() const noexcept { return error_; }
    // INVALID_ARGUMENT: "MALFORMED_JSON" with line and column, or the violated field.
    [[nodiscard]] bv::error to_error() const;

    // Refuse what was just read; always false.
    bool refuse(std::string description);
    bool duplicate(std::string_view key);
    // Skips the field, or refuses it with the nearest of their names.
    bool unknown(std::string_view key, std::span<const field_key> fields);
    // On the way out after an error: adds where it was; always false.
    bool inside(std::string_view field);
    bool inside(std::size_t index);
    bool inside_key(std::string_view key);

private:
    bool syntax(std::string_view description);
    bool begin(char bracket, std::string_view what) {
        if (at_ == end_ || *at_ != bracket || depth_ >= options_.max_depth) [[unlikely]]
            if (!may_begin(bracket, what)) return false;
        ++at_, ++depth_;
        return first_ = true;
    }
    bool may_begin(char bracket, std::string_view what);
    void end() noexcept { ++at_, --depth_, first_ = false; }
    bool next_member();
    bool key_text(std::string_view&);
    static bool stands_at(const char* at, const field_key&) noexcept;
    int usual_key(std::span<const field_key>, std::size_t from) noexcept;
    int any_field(std::span<const field_key>, std::uint64_t* seen, int last);
    void space() noexcept {
        while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ' && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    }
    bool literal(std::string_view word);
    std::string_view usual_text() noexcept;
    bool any_text(std::string_view& out);
    bool plain_text() noexcept;
    bool escaped_string(const char* start, std::string_view& out);
    bool escape();
    bool code_unit(std::uint32_t&);
    bool number_token(std::string_view&);
    bool expected(std::string_view what);
    template <std::integral Int>
    bool usual_integer(Int&) noexcept;
    template <std::integral Int>
    bool any_integer(Int&);
    template <class Float>
    bool read_float(Float&);

    const char *begin_, *at_, *end_;
    read_options options_;
    int depth_ = 0;
    bool first_ = false;  // nothing was read yet of the object or array that was begun last
    bool failed_ = false;
    std::string unescaped_;
    read_error error_;
};

template <class Read>
bool read_list(reader& in, Read item) {
    if (!in.begin_array()) return false;
    for (std::size_t i = 0; in.next_item(); ++i)
        if (!item()) return in.inside(i);
    return in.ok();
}

// A list of numbers or bools: `add(value)` after each.
template <class T, class Add>
bool read_values(reader& in, Add add) {
    return read_list(in, [&] {
        T value{};
        return in.read(value) && (add(value), true);
    });
}

template <class Map, class Read>
bool read_map(reader& in, Map& map, Read value) {
    if (!in.begin_object()) return false;
    for (std::string_view text; in.next_key(text);) {
        typename Map::key_type key{};
        if (!in.map_key(text, key)) return in.inside_key(text);
        const std::string name(text);  // reading the value may overwrite what text refers to
        if (map.contains(key)) return in.duplicate(name);
        if (!value(map[key])) return in.inside_key(name);
    }
    return in.ok();
}

// A whole text into one message by its generated read_json.
template <class Message>
[[nodiscard]] result<void> parse(std::string_view text, Message& message, read_options options = {}) {
    reader in(text, options);
    if (read_json(in, message) && in.finish()) return {};
    return std::unexpected<bv::error>(in.to_error());
}

[[nodiscard]] bool valid_utf8(std::string_view) noexcept;
// base64 in either alphabet, padding optional; false when malformed.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out);

}  // namespace bv::json
