// HTTP server: HTTP/1.1 (RFC 9112, Beast's parser) and HTTP/2 (RFC 9113, nghttp2) on one port, told apart by ALPN or by the first
// bytes; one acceptor per core with SO_REUSEPORT, one write per batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/body_reader.hpp"
#include "platform/net/http/message.hpp"

namespace bv {
class runtime;
}

namespace bv::http {

// Called once per request, on the connection's core. What it throws becomes a bare 500.
using handler = std::function<task<response>(request&)>;

class mutual_tls;

struct tls_files {
    std::string certificate_chain, private_key;  // PEM paths
};

struct server_options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;                        // 0: any free one
    bool port_is_held = false;                     // by a socket of the caller's with SO_REUSEPORT: nobody else can have it
    std::size_t max_header_bytes = 16 * 1024;      // more: 431
    std::size_t max_target_bytes = 8 * 1024;       // more: 414
    std::size_t max_body_bytes = 4 * 1024 * 1024;  // more: 413
    milliseconds header_timeout{10'000};           // from a request's first byte to the end of its header: 408
    milliseconds body_timeout{30'000};             // from there to the end of its body, or to the next piece of a streamed one: 408
    milliseconds idle_timeout{75'000};             // between requests
    milliseconds write_timeout{30'000};
    int max_connections_per_core = 10'000;         // more are answered 503 and closed
    std::optional<tls_files> tls{};                // none: plain text
    // TLS for peers with certificates, instead. Others come in plain text and have no request::peer: the handler decides about them.
    std::shared_ptr<mutual_tls> peers{};
    std::uint32_t max_streams = 256;               // of one HTTP/2 connection at once; more are refused, unhandled
    std::uint32_t stream_window = 256 * 1024;      // how much of an HTTP/2 stream's body may wait for its handler
    milliseconds ping_interval{60'000};            // of silence while HTTP/2 streams are open, before the peer is asked whether it lives
    // Asked of each request that has a body, once its header is read; null: the body is read whole, within max_body_bytes. What it
    // gives outlives the server.
    std::function<const body_stream*(const request&)> streams{};
    milliseconds stream_timeout{600'000};          // for how long a streamed body may keep its handler waiting, all in all: 408
    // Renders the server's own errors (malformed request, limits) so that they look like the handler's. The request is null where it
    // is not known.
    std::function<response(const request*, int status, std::string_view detail)> error_page{};
};

class server {
public:
    server(runtime&, server_options, handler);
    // Call drain() first, so that what the handler uses outlives the connections.
    ~server();
    // Binds and listens on every core. Throws failure UNAVAILABLE "PORT_TAKEN" naming the port and what to do.
    void start();
    [[nodiscard]] std::uint16_t port() const noexcept;
    // Stops accepting, closes idle connections, lets requests in hand finish (Connection: close), then returns;
    // after `grace` closes what is left. Call on a runtime thread.
    task<void> drain(milliseconds grace);
    [[nodiscard]] std::size_t connections() const noexcept;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::http
