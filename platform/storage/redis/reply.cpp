#include "platform/storage/redis/reply.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace bv::redis {
namespace {

constexpr std::size_t longest_line = 64 * 1024;
constexpr std::size_t reserved_at_most = 1024;  // what a length promises is believed when it has arrived
constexpr std::size_t kept_buffer = 64 * 1024;

std::optional<std::int64_t> to_integer(std::string_view text) noexcept {
    std::int64_t out = 0;
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

}  // namespace

std::string_view reply::error_code() const noexcept {
    if (!is_error()) return {};
    return std::string_view(text).substr(0, text.find(' '));
}

void reply_reader::feed(std::string_view bytes) {
    if (!malformed_) in_.append(bytes);
}

void reply_reader::forget_read() {
    if (at_ == in_.size()) {
        in_.clear();
        if (in_.capacity() > kept_buffer) in_.shrink_to_fit();
        at_ = 0;
    } else if (at_ > kept_buffer) {
        in_.erase(0, at_);
        at_ = 0;
    }
}

reply_reader::step reply_reader::next(reply& out) {
    while (!malformed_) {
        reply value;
        switch (read(value)) {
            case token::more: forget_read(); return step::more;
            case token::malformed: malformed_ = true; break;
            case token::opened: break;
            case token::value:
                if (!place(value)) break;
                items_ = 0;
                out = std::move(value);
                forget_read();
                return step::ready;
        }
    }
    return step::malformed;
}

// A value that is the last of its list completes the list, which is then a value itself.
bool reply_reader::place(reply& value) {
    while (!open_.empty()) {
        auto& top = open_.back();
        top.of.items.push_back(std::move(value));
        if (--top.missing > 0) return false;
        const bool dropped = top.dropped;
        value = std::move(top.of);
        open_.pop_back();
        if (dropped) return false;
    }
    return true;
}

reply_reader::token reply_reader::read(reply& out) {
    const auto rest = std::string_view(in_).substr(at_);
    if (rest.empty()) return token::more;
    const auto end = rest.substr(0, longest_line).find("\r\n");
    if (end == rest.npos) return rest.size() < longest_line ? token::more : token::malformed;
    const char type = rest[0];
    const auto line = rest.substr(1, end - 1);
    switch (type) {
        case '$': return read_string(line, reply::kind::text, false, out);
        case '!': return read_string(line, reply::kind::error, false, out);
        case '=': return read_string(line, reply::kind::text, true, out);
        case '*':
        case '~':
        case '%':
        case '>':
        case '|': return open(type, line, out);
        default: break;
    }
    at_ += end + 2;
    switch (type) {
        case '+': out = {.is = reply::kind::text, .text = std::string(line)}; return token::value;
        case '-': out = {.is = reply::kind::error, .text = std::string(line)}; return token::value;
        case ',':
        case '(': out = {.is = reply::kind::number, .text = std::string(line)}; return token::value;
        case '_': return line.empty() ? token::value : token::malformed;
        case '#':
            out = {.is = reply::kind::integer, .integer = line == "t" ? 1 : 0};
            return line == "t" || line == "f" ? token::value : token::malformed;
        case ':': {
            const auto number = to_integer(line);
            if (!number) return token::malformed;
            out = {.is = reply::kind::integer, .integer = *number};
            return token::value;
        }
        default: return token::malformed;
    }
}

reply_reader::token reply_reader::read_string(std::string_view size, reply::kind kind, bool verbatim, reply& out) {
    const auto bytes = to_integer(size);
    if (!bytes || *bytes < -1 || (*bytes > 0 && static_cast<std::uint64_t>(*bytes) > limits_.text_bytes)) return token::malformed;
    const auto header = size.size() + 3;
    if (*bytes == -1) {
        at_ += header;
        return token::value;
    }
    const auto length = static_cast<std::size_t>(*bytes);
    const auto rest = std::string_view(in_).substr(at_ + header);
    if (rest.size() < length + 2) return token::more;
    if (rest.substr(length, 2) != "\r\n") return token::malformed;
    auto text = rest.substr(0, length);
    if (verbatim) {  // "txt:…"
        if (text.size() < 4 || text[3] != ':') return token::malformed;
        text.remove_prefix(4);
    }
    out = {.is = kind, .text = std::string(text)};
    at_ += header + length + 2;
    return token::value;
}

reply_reader::token reply_reader::open(char type, std::string_view size, reply& out) {
    const auto declared = to_integer(size);
    if (!declared || *declared < -1) return token::malformed;
    at_ += size.size() + 3;
    if (*declared == -1) return token::value;
    if (static_cast<std::uint64_t>(*declared) > limits_.items || open_.size() >= limits_.depth) return token::malformed;
    const auto missing = static_cast<std::size_t>(*declared) * (type == '%' || type == '|' ? 2 : 1);
    items_ += missing;
    if (items_ > limits_.items) return token::malformed;
    reply list{.is = type == '>' ? reply::kind::push : reply::kind::list};
    if (missing == 0) {
        if (type == '|') return token::opened;
        out = std::move(list);
        return token::value;
    }
    list.items.reserve(std::min(missing, reserved_at_most));
    open_.push_back({std::move(list), missing, type == '|'});
    return token::opened;
}

}  // namespace bv::redis
