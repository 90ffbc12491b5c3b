#include "platform/rpc/json_reader.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "platform/rpc/json_block.hpp"
#include "platform/rpc/nearest.hpp"

namespace bv::json {
namespace {

constexpr std::size_t shown_bytes = 40;  // of what the client wrote, in messages

// Never half of a character, or the message would be no UTF-8.
std::string_view beginning(std::string_view text) {
    if (text.size() <= shown_bytes) return text;
    auto end = shown_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

std::string shown(std::string_view text) {
    std::string out;
    writer to(out);
    to.string(beginning(text));
    to.finish();
    if (text.size() > shown_bytes) out += "…";
    return valid_utf8(out) ? out : "a string";
}

}  // namespace

bool reader::syntax(std::string_view description) {
    if (failed_) return false;
    failed_ = true;
    error_.syntax = true;
    error_.description = description;
    error_.line = 1;
    const char* line_start = begin_;
    for (const char* p = begin_; p != at_; ++p)
        if (*p == '\n') ++error_.line, line_start = p + 1;
    error_.column = static_cast<std::size_t>(at_ - line_start) + 1;
    return false;
}

bool reader::refuse(std::string description) {
    if (failed_) return false;
    failed_ = true;
    error_.description = std::move(description);
    return false;
}

bool reader::duplicate(std::string_view key) {
    refuse("is given more than once; give it once");
    return inside(key);
}

bool reader::unknown(std::string_view key, std::span<const field_key> fields) {
    if (options_.ignore_unknown) return skip();
    std::vector<std::string_view> names;
    for (const field_key& f : fields) names.push_back(f.name);
    std::string description = "unknown field";
    if (const auto near = nearest(key, names); !near.empty()) {
        description += "; did you mean ";
        description += near;
        description += '?';
    }
    refuse(std::move(description));
    return inside(beginning(key));
}

bool reader::inside(std::string_view field) {
    std::string path(field);
    if (!error_.path.empty() && error_.path.front() != '[') path += '.';
    error_.path.insert(0, path);
    return false;
}

bool reader::inside(std::size_t index) {
    std::string path = '[' + std::to_string(index) + ']';
    if (!error_.path.empty() && error_.path.front() != '[') path += '.';
    error_.path.insert(0, path);
    return false;
}

bool reader::inside_key(std::string_view key) {
    std::string path = "[" + shown(key) + "]";
    if (!error_.path.empty() && error_.path.front() != '[') path += '.';
    error_.path.insert(0, path);
    return false;
}

bv::error reader::to_error() const {
    if (!error_.syntax) return invalid({{error_.path, error_.description}}).error();
    std::string message = "The JSON is malformed at line " + std::to_string(error_.line) + ", column " +
                          std::to_string(error_.column) + ": " + error_.description + '.';
    return {code::invalid_argument, "MALFORMED_JSON", std::move(message), {}, {}};
}

// Names what is there instead.
bool reader::expected(std::string_view what) {
    if (failed_) return false;
    std::string description = "expected ";
    description += what;
    switch (peek()) {
    case '\0':
        if (at_ == end_) return syntax(description + ", but the text ends here");
        return syntax(description);
    case '"': return refuse(description + ", found a string");
    case '{': return refuse(description + ", found an object");
    case '[': return refuse(description + ", found an array");
    case 't':
    case 'f': return refuse(description + ", found a boolean");
    case 'n': return refuse(description + ", found null");
    default:
        if (*at_ == '-' || (*at_ >= '0' && *at_ <= '9')) return refuse(description + ", found a number");
        return syntax(description);
    }
}

bool reader::may_begin(char bracket, std::string_view what) {
    if (peek() != bracket) return expected(what);
    return depth_ < options_.max_depth || refuse("is nested more than " + std::to_string(options_.max_depth) + " levels deep");
}

// The quote of the next key; false at the end of the object.
bool reader::next_member() {
    if (failed_) return false;
    const char next = peek();
    if (next == '}') return end(), false;
    if (!first_) {
        if (next != ',') return syntax("expected ',' or '}'");
        ++at_;
    }
    first_ = false;
    return peek() == '"' || syntax("expected a key in quotes");
}

bool reader::key_text(std::string_view& key) {
    if (!text(key)) return false;
    if (peek() != ':') return syntax("expected ':'");
    ++at_;
    return true;
}

bool reader::next_key(std::string_view& key) { return next_member() && key_text(key); }

// Whether the first bytes of the key stand there as programs write them: without escapes, without space before the colon.
inline bool reader::stands_at(const char* at, const field_key& key) noexcept {
    return (~block(at).equal(block::aligned(key.head)) & key.mask) == 0;
}

// The usual case in few instructions: the end, or the next key of `keys`, short, behind no more than a comma. All else is left to
// any_field.
int reader::next_field(std::span<const field_key> keys, std::uint64_t* seen, int last) {
    const char* at = at_;
    if (at != end_ && *at == '}') return end(), -1;
    if (!first_ && at != end_ && *at == ',') ++at;
    else if (!first_) return any_field(keys, seen, last);
    const auto next = static_cast<std::size_t>(last + 1);
    if (end_ - at <= static_cast<std::ptrdiff_t>(block::size) || next >= keys.size()) return any_field(keys, seen, last);
    const field_key& key = keys[next];
    if (key.length > block::size || !stands_at(at, key)) return any_field(keys, seen, last);
    at += key.length;
    std::uint64_t& marks = seen[next / 64];
    const std::uint64_t mark = std::uint64_t{1} << next % 64;
    if ((marks & mark) != 0 || *at == 'n' || static_cast<unsigned char>(*at) <= ' ') return any_field(keys, seen, last);
    marks |= mark;
    at_ = at;
    first_ = false;
    return static_cast<int>(next);
}

// The key that stands at at_, looked for from the given one on, and read; -1: none, or it is written otherwise.
int reader::usual_key(std::span<const field_key> keys, std::size_t from) noexcept {
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (left < block::size) return -1;
    for (std::size_t tried = 0, i = from; tried < keys.size(); ++tried, ++i) {
        if (i >= keys.size()) i = 0;
        const field_key& key = keys[i];
        if (!stands_at(at_, key)) continue;
        const bool whole = key.length <= block::size ||
                           (key.length <= left && std::string_view(at_ + 1, key.name.size()) == key.name && std::memcmp(at_ + key.length - 2, "\":", 2) == 0);
        if (!whole) continue;
        at_ += key.length;
        return static_cast<int>(i);
    }
    return -1;
}

int reader::any_field(std::span<const field_key> keys, std::uint64_t* seen, int last) {
    while (next_member()) {
        int found = usual_key(keys, static_cast<std::size_t>(last + 1));
        if (found < 0) {
            std::string_view name;
            if (!key_text(name)) return -1;
            const auto named = std::ranges::find_if(keys, [&](const field_key& k) { return k.name == name || k.original == name; });
            if (named == keys.end()) {
                if (!unknown(std::string(name), keys)) return -1;
                continue;
            }
            found = static_cast<int>(named - keys.begin());
        }
        last = found;
        const field_key& key = keys[static_cast<std::size_t>(found)];
        std::uint64_t& marks = seen[found / 64];
        const std::uint64_t mark = std::uint64_t{1} << found % 64;
        if ((marks & mark) != 0) return duplicate(key.name), -1;
        marks |= mark;
        if (peek() == 'n' && !key.takes_null && literal("null")) continue;
        return found;
    }
    return -1;
}

bool reader::next_item() {
    if (failed_) return false;
    const char next = peek();
    if (next == ']') return end(), false;
    if (!first_) {
        if (next != ',') return syntax("expected ',' or ']'");
        ++at_;
    }
    first_ = false;
    return true;
}

bool reader::literal(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) return false;
    at_ += word.size();
    return true;
}

bool reader::null() { return peek() == 'n' && literal("null"); }

bool reader::read(bool& out) {
    const char next = peek();
    if (next == 't' && literal("true")) return out = true, true;
    if (next == 'f' && literal("false")) return out = false, true;
    if (next == 't' || next == 'f') return syntax("expected true or false");
    return expected("true or false");
}

bool reader::read_bytes(std::string& out) {
    std::string_view value;
    if (!text(value)) return false;
    out.clear();
    return decode_base64(value, out) || refuse("expected base64");
}

bool reader::read_enum(std::span<const enum_entry> entries, int& out, bool open) {
    if (peek() != '"') {
        if (*at_ != '-' && (*at_ < '0' || *at_ > '9')) return expected("the name of an enum value");
        std::int32_t number = 0;
        if (!read(number)) return false;
        for (const enum_entry& e : entries) open = open || e.number == number;
        out = number;
        return open || refuse(std::to_string(number) + " is not a value of the enum");
    }
    std::string_view name;
    if (!text(name)) return false;
    for (const enum_entry& e : entries)
        if (e.name == name) return out = e.number, true;
    std::string allowed;
    for (const enum_entry& e : entries) (allowed += allowed.empty() ? "" : ", ") += e.name;
    return refuse(shown(name) + " is not one of " + allowed);
}

bool reader::skip() {
    switch (peek()) {
    case '"': {
        std::string_view ignored;
        return text(ignored);
    }
    case '{':
        if (!begin_object()) return false;
        for (std::string_view key; next_key(key);)
            if (!skip()) return false;
        return ok();
    case '[':
        if (!begin_array()) return false;
        while (next_item())
            if (!skip()) return false;
        return ok();
    case 't':
    case 'f': {
        bool ignored = false;
        return read(ignored);
    }
    case 'n': return null() || syntax("expected a value");
    default: {
        std::string_view ignored;
        return number_token(ignored);
    }
    }
}

bool reader::finish() {
    if (failed_) return false;
    return (peek() == '\0' && at_ == end_) || syntax("nothing may follow the value");
}

bool reader::map_key(std::string_view text, bool& key) {
    key = text == "true";
    return key || text == "false" || refuse("the key must be true or false");
}

}  // namespace bv::json
