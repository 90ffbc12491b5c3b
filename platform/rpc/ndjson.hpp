// A streamed body as lines, and lines as messages: newline-delimited JSON (application/x-ndjson).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/net/http/body_reader.hpp"
#include "platform/rpc/message_stream.hpp"

namespace bv::rpc {

inline constexpr std::size_t longest_line = 1024 * 1024;

struct body_line {
    std::int64_t number = 0;  // from 1; blank lines count
    bool too_long = false;    // beyond longest_line: skipped, `text` is empty
    std::string_view text;    // without its end; good until the next call
};

// Holds a line and a piece of the body, whatever the body's size.
class line_reader {
public:
    explicit line_reader(http::body_reader& body) : body_(body) {}
    // The next line that is not blank; nullopt at the end. The last needs no line end; CR LF ends one too. An error: the body broke.
    task<result<std::optional<body_line>>> next();

private:
    bool take_line(body_line&);
    bool take_rest(body_line&);

    http::body_reader& body_;
    std::string buffer_;
    std::size_t begin_ = 0, scanned_ = 0;  // of the line in hand; up to where it has no end
    std::int64_t number_ = 0;
    bool skipping_ = false, ended_ = false;
};

template <class Message>
class ndjson_stream final : public message_stream<Message> {
public:
    // The generated function that reads and validates one message.
    using parse = result<void> (*)(std::string_view line, Message&);

    ndjson_stream(http::body_reader& body, parse p) : lines_(body), parse_(p) {}

    task<result<std::optional<placed<Message>>>> next() override {
        const auto line = co_await lines_.next();
        if (!line) co_return std::unexpected(line.error());
        if (!*line) co_return std::nullopt;
        const body_line& l = **line;
        if (l.too_long) co_return placed<Message>{l.number, fail(code::invalid_argument, "LINE_TOO_LONG", "A line may have 1 MiB.")};
        Message m;
        if (auto read = parse_(l.text, m); !read) co_return placed<Message>{l.number, std::unexpected(std::move(read.error()))};
        co_return placed<Message>{l.number, std::move(m)};
    }

private:
    line_reader lines_;
    parse parse_;
};

// INVALID_ARGUMENT "UNSUPPORTED_MEDIA_TYPE" unless the request says that its body is such lines.
[[nodiscard]] result<void> check_ndjson(const http::request&);

}  // namespace bv::rpc
