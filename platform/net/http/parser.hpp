// Parser of requests (RFC 9112), fed with any cut of the bytes: Beast's parser for the header, without its containers;
// our checks against request smuggling; bodies by length or chunked. No I/O, so it is tested and fuzzed without sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/net/http/message.hpp"

namespace bv::http {

struct parse_limits {
    std::size_t header_bytes;  // all field lines together
    std::size_t target_bytes;
    std::size_t body_bytes;
    // Asked of each request that has a body: how large it may be when it is streamed; nullopt, or no function: it is not.
    std::function<std::optional<std::uint64_t>(const request&)> streamed{};
};

enum class parse_stage : std::uint8_t {
    idle,    // no byte of the message yet
    header,
    body,
    stream,  // the header is whole, and its body wanted piece by piece: handle it, and take the pieces with put_piece()
    done,    // the request is whole: handle it, then next()
    failed,  // status() and detail() say why: answer and close
};

class request_parser {
public:
    // Fills in `into`, which must outlive the parser.
    request_parser(parse_limits, request& into);
    ~request_parser();

    // Returns how many bytes were used; the caller offers the others again together with those that follow.
    std::size_t put(std::string_view data);
    // While the stage is stream: appends what of the body is in `data` to `piece`, and returns how many bytes were used. The stage is
    // done after the last.
    std::size_t put_piece(std::string_view data, std::string& piece);
    // Starts over for the next message and clears the request.
    void next();

    [[nodiscard]] parse_stage stage() const noexcept { return stage_; }
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] std::string_view detail() const noexcept { return detail_; }

    // The following are known once the header is read.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] bool http_1_1() const noexcept { return http_1_1_; }
    // The client waits for "100 Continue" before it sends the body.
    [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }

private:
    struct head;  // Beast's parser

    std::size_t put_header(std::string_view);
    void check_line_ends(std::string_view) noexcept;
    std::size_t put_body(std::string_view);
    std::size_t decode(std::string_view, std::string& body, std::uint64_t limit);
    void finish_header();
    void begin_body();
    void accept_target();
    void fail(int status, std::string_view detail) noexcept;

    request& request_;
    parse_limits limits_;
    std::unique_ptr<head> head_;
    std::uint64_t body_left_ = 0;   // of a body with a length
    std::uint64_t streamed_left_ = 0;  // how much more a streamed body may hold
    int status_ = 0;
    std::string_view detail_;
    parse_stage stage_ = parse_stage::idle;
    bool keep_alive_ = false, http_1_1_ = false, expects_continue_ = false, chunked_ = false;
};

}  // namespace bv::http
