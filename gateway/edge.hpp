// The edge: every request of the outside passes here once. It finds the route, tells who calls, limits how much, keeps
// idempotency keys, traces, measures, and renders what comes back. What a method does is not its business.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/net/http/server.hpp"
#include "platform/resilience/idempotency.hpp"
#include "platform/resilience/rate_limit.hpp"
#include "platform/rpc/authenticator.hpp"
#include "platform/rpc/grpc/stream.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::gateway {

struct edge_options {
    milliseconds request_timeout{30'000};           // the deadline of a call that brings none
    milliseconds stream_timeout{600'000};           // of one whose request is a stream
    std::uint32_t user_requests_per_minute = 6'000;
    std::uint32_t anonymous_requests_per_minute = 1'200;   // per address
    std::uint32_t program_requests_per_minute = 600'000;   // per API key
    std::vector<std::string> cors_origins{};        // origins that browsers may call from; "*" for any. Empty: none
    std::size_t max_message_bytes = 4 * 1024 * 1024;       // of gRPC, decompressed
    bool access_log = true;
    // Raw GET routes that need a scope are open to this machine: a loopback client that names a loopback host, so that
    // a web page elsewhere cannot reach them through a name of its own (DNS rebinding), and no proxy that says that it is one.
    bool open_reads_on_loopback = true;
};

// What the gateways of a platform share beside the database. Each may be null.
struct edge_shared {
    resilience::shared_limits* limits = nullptr;   // null: each process limits what it sees itself
    resilience::early_answers* answers = nullptr;
};

class edge {
public:
    // All outlive the edge. `answers` may be null: then idempotency keys reach the services but no answer is kept.
    edge(edge_options, clock&, rng&, rpc::authenticator&, resilience::idempotency_store* answers, edge_shared = {});
    ~edge();

    // Before the first request only. Throws failure when two routes meet.
    void add(const rpc::served&);
    void add(rpc::raw_route);
    void add(rpc::stream_route, std::uint64_t max_bytes);
    // A streamed gRPC method, open to all within the limits of callers. Its stream may take as long as both sides talk.
    void add(rpc::grpc::streamed);
    // The full names of what gRPC serves.
    [[nodiscard]] std::vector<std::string> grpc_services() const;

    // For http::server.
    [[nodiscard]] http::handler handler();
    // For http::server_options::streams: the stream that a request asks for, or null. Good as long as the edge.
    [[nodiscard]] const http::body_stream* stream_of(const http::request&) const;
    // For http::server_options::error_page.
    [[nodiscard]] static http::response error_page(const http::request*, int status, std::string_view detail);

    struct impl;  // opaque

private:
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::gateway
