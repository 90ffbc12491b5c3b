// HTTP/1.1 client: a keep-alive pool per core, deadlines, bounded bodies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/message.hpp"

namespace bv::http {

class mutual_tls;

struct client_request {
    http::verb verb = verb::get;
    std::string target = "/";
    http::fields headers{};
    std::string body{};
    std::string content_type = "application/json";  // sent when body is not empty
    steady_point deadline = steady_point::max();
};

struct client_response {
    int status = 0;
    http::fields headers{};
    std::string body{};
};

struct client_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 80;
    bool tls = false;
    std::string ca_file{};              // PEM; empty: the system's
    bool any_name = false;              // with ca_file: whoever has such a certificate is the peer, whatever its name
    std::shared_ptr<mutual_tls> peers{};  // TLS with certificates on both sides, instead of the three above
    std::string peer_uri{};             // with it: who must be there, by certificate; empty: any of them
    int max_connections_per_core = 64;  // more callers wait, until their deadline
    milliseconds connect_timeout{3'000};
    milliseconds timeout{30'000};       // of one exchange when the request has no deadline
    std::size_t max_body_bytes = 64 * 1024 * 1024;
};

// Thread-safe: each thread has its own connections. A request that fails on a reused connection before any byte of the
// answer is sent once more when its verb is safe or idempotent. Throws failure: UNAVAILABLE "CONNECT_FAILED" (surely not
// handled), UNAVAILABLE "ANSWER_LOST" (may have been handled), DEADLINE_EXCEEDED (may have been handled),
// RESOURCE_EXHAUSTED "ANSWER_TOO_LARGE", INVALID_ARGUMENT "INVALID_REQUEST" (a target or header that cannot be sent).
// Lives no longer than the io_contexts that it is used on, each of which has one thread.
class client {
public:
    explicit client(client_options);
    ~client();
    task<client_response> send(client_request);
    // Closes the calling thread's idle connections.
    void close();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::http
