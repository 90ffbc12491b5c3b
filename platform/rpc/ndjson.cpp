#include "platform/rpc/ndjson.hpp"

#include <algorithm>
#include <utility>

namespace bv::rpc {
namespace {

bool is_blank(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

}  // namespace

// Gives lines that are not blank; false: there is no whole one.
bool line_reader::take_line(body_line& out) {
    for (auto end = buffer_.find('\n', scanned_); end != buffer_.npos; end = buffer_.find('\n', begin_)) {
        const auto text = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = scanned_ = end + 1;
        out = {++number_, std::exchange(skipping_, false) || text.size() > longest_line, text};
        if (!out.too_long && is_blank(text)) continue;
        if (out.text.ends_with('\r')) out.text.remove_suffix(1);
        if (out.too_long) out.text = {};
        return true;
    }
    scanned_ = buffer_.size();
    return false;
}

// What the body ends with when that is no line end.
bool line_reader::take_rest(body_line& out) {
    buffer_ += '\n';
    return take_line(out);
}

task<result<std::optional<body_line>>> line_reader::next() {
    body_line out;
    while (!take_line(out)) {
        if (ended_) co_return std::nullopt;
        if (buffer_.size() - begin_ > longest_line) skipping_ = true, begin_ = buffer_.size();
        buffer_.erase(0, std::exchange(begin_, 0));
        scanned_ = buffer_.size();
        auto piece = co_await body_.read();
        if (!piece) co_return std::unexpected(std::move(piece.error()));
        if (*piece) {
            buffer_ += **piece;
            continue;
        }
        ended_ = true;
        if ((skipping_ || !buffer_.empty()) && take_rest(out)) co_return out;
    }
    co_return out;
}

result<void> check_ndjson(const http::request& request) {
    constexpr std::string_view accepted[] = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"};
    std::string type(request.headers.get("Content-Type"));
    type.resize(std::min(type.size(), type.find(';')));
    while (type.ends_with(' ')) type.pop_back();
    std::ranges::transform(type, type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (std::ranges::find(accepted, type) != std::end(accepted)) return {};
    return fail(code::invalid_argument, "UNSUPPORTED_MEDIA_TYPE", "The body must be one JSON object a line: send it with Content-Type: application/x-ndjson.");
}

}  // namespace bv::rpc
