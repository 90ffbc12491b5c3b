// HTTP requests and responses as the platform's handlers see them (RFC 9110).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"

namespace bv::http {

enum class verb : std::uint8_t { get, head, post, put, patch, delete_, options, other };
[[nodiscard]] std::string_view name(verb) noexcept;
[[nodiscard]] verb parse_verb(std::string_view) noexcept;

// Names and values in one flat buffer; look-up ignores case.
class fields {
public:
    void add(std::string_view name, std::string_view value);
    void set(std::string_view name, std::string_view value);
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
        return find(name).value_or(std::string_view{});
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::pair<std::string_view, std::string_view> at(std::size_t) const noexcept;
    void clear() noexcept { buffer_.clear(), entries_.clear(); }

private:
    struct entry {
        std::uint32_t offset, name_length, value_length;
    };
    std::string buffer_;
    std::vector<entry> entries_;
};

struct tls_peer;

struct request {
    http::verb verb = verb::get;
    std::string verb_text;       // as sent
    std::string target;          // "/v1/orders?page_size=10", as sent
    http::fields headers;
    std::string body;            // whole, within the server's limit
    std::string remote_address;  // "127.0.0.1"
    bool secure = false;
    std::shared_ptr<const tls_peer> peer{};  // who sent it, where peers show certificates (server_options::peers); null: somebody
    bool http2 = false;          // one of many on its connection (RFC 9113), and its answer may have trailers
    steady_point received{};     // when its first byte was read

    [[nodiscard]] std::string_view path() const noexcept {
        return std::string_view(target).substr(0, target.find('?'));
    }
    [[nodiscard]] std::string_view query() const noexcept {
        const auto q = target.find('?');
        return q == std::string::npos ? std::string_view{} : std::string_view(target).substr(q + 1);
    }
};

// Writes a streamed body piece by piece; write returns false once the peer is gone. An empty piece sends what is due,
// the head at least. What the stream throws resets the connection, so that the peer never takes a part for the whole.
class body_writer {
public:
    virtual ~body_writer() = default;
    virtual task<bool> write(std::string piece) = 0;
    // A field of the head, before the first piece. HTTP/1.1 leaves it out.
    virtual void add_header(std::string_view, std::string_view) {}
    // What follows the last piece. HTTP/1.1 leaves it out.
    virtual void finish_with(fields) {}
};

struct response {
    int status = 200;
    std::string content_type = "application/json";  // empty: no Content-Type
    http::fields headers{};                          // extra ones; Content-Length, Date and framing are the server's
    std::string body{};
    // What follows the body in HTTP/2 (RFC 9110 section 6.5); HTTP/1.1 leaves it out.
    http::fields trailers{};
    // When set, body and trailers are ignored and this is run to stream it (chunked in HTTP/1.1).
    std::function<task<void>(body_writer&)> stream{};
};

[[nodiscard]] std::string_view reason_phrase(int status) noexcept;
// Percent-decodes; nullopt on a malformed escape. '+' is kept (RFC 3986) unless plus_is_space (query strings).
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view, bool plus_is_space = false);
[[nodiscard]] std::string percent_encode(std::string_view);  // all but the unreserved characters

}  // namespace bv::http
