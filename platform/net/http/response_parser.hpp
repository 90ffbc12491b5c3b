// Parser of responses (RFC 9112), fed with any cut of the bytes. No I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "platform/net/http/client.hpp"

namespace bv::http {

class response_parser {
public:
    enum class outcome : unsigned char { more, done, malformed, too_large };

    // Fills in `into`, which must outlive the parser. to_head: the answer to a HEAD has no body.
    response_parser(client_response& into, bool to_head, std::size_t max_body_bytes);
    ~response_parser();

    // Returns how many bytes were used; the caller offers the others again together with those that follow.
    std::size_t put(std::string_view data);
    // The connection has ended: done when that ends the body, else malformed.
    void put_end() noexcept;

    [[nodiscard]] response_parser::outcome state() const noexcept { return outcome_; }
    // Whether the connection can be used again. Known when done.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

private:
    struct head;
    enum class part : unsigned char { header, length, chunked, to_end };

    std::size_t put_header(std::string_view);
    std::size_t put_body(std::string_view);
    void finish_header();

    client_response& response_;
    std::unique_ptr<head> head_;
    std::size_t max_body_bytes_, body_left_ = 0;
    int interim_ = 0;  // 1xx answers skipped
    part part_ = part::header;
    response_parser::outcome outcome_ = outcome::more;
    bool to_head_, keep_alive_ = false;
};

}  // namespace bv::http
