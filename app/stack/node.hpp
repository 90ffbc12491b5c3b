// One process of the platform: the services that it holds, started and stopped as one; the edge, when it holds the gateway; and,
// where other processes hold the rest, the internal listener that they call it on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/modules.hpp"
#include "app/operations/front.hpp"
#include "app/operations/span_feed.hpp"
#include "platform/net/http/tls.hpp"
#include "platform/runtime/process_load.hpp"

namespace bv::stack {

// The files of http.tls_certificate and http.tls_key; none: plain text.
[[nodiscard]] std::optional<http::tls_files> tls_of(const config&);

class node {
public:
    // Connects to nothing yet. What the process refers to outlives it.
    explicit node(app::process);
    ~node();

    // Each blocks; in this order. Throws failure with what to do about it.
    void start();
    // Development accounts, the catalogue, its stock: of what is held. A line for each login.
    std::vector<std::string> seed();
    // Where others call it; port 0 takes a free one. The port.
    std::uint16_t listen_to_peers(const std::string& address, std::uint16_t port);
    // With the gateway only; the caller holds the port.
    void listen(std::uint16_t port);

    // One after another, quietly where a step was never begun.
    void drain();
    void stop();
    void close();

private:
    app::process given_;
    std::unique_ptr<app::modules> modules_;
    std::vector<bv::module> started_;
    std::unique_ptr<operations::service> operations_;
    std::unique_ptr<operations::front> front_;
    std::unique_ptr<gateway::edge> edge_;
    std::unique_ptr<process_load> load_;  // where clients are told of it
    std::unique_ptr<http::server> server_;
    std::shared_ptr<operations::span_outlet> spans_;
    std::unique_ptr<rpc::peer_listener> peers_;
    std::unique_ptr<http::server> peer_server_;
};

}  // namespace bv::stack
