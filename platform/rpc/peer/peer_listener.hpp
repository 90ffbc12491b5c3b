// What a process serves to its peers: the contracts that it holds by gRPC, and plain routes. Services are known by their certificates
// (http::server_options::peers), and may call what the contract lets them; nobody else is answered, but for probes.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/grpc/stream.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::rpc {

class peer_listener {
public:
    // Peers are of the trust domain. `edge` is the service that calls for users. The clock outlives it.
    peer_listener(std::string trust_domain, std::string edge, clock&);

    // Before the first request only. The services outlive it.
    void add(const served& s) { services_.add(s); }
    // A method with streams, which has a contract.
    void add(grpc::streamed);
    // For the edge only. A route for all below a folder ends in '*'.
    void add(raw_route);
    // For the edge only: a whole body instead of a stream, within the server's limit.
    void add(stream_route);
    // Open, in plain text too: for probes and scrapers of this machine, which have no certificate.
    void add_open(raw_route);

    [[nodiscard]] http::handler handler();
    // For http::server_options::streams. Good as long as this.
    [[nodiscard]] const http::body_stream* stream_of(const http::request&) const;

private:
    struct plain {
        raw_route route;
        bool open;
    };
    task<http::response> serve(http::request&);
    task<http::response> call(http::request&);
    task<http::response> stream(http::request&, const stream_route&);
    task<http::response> talk(http::request&, http::body_reader&, const grpc::streamed&);
    // Which service has sent it.
    [[nodiscard]] result<std::string> sender_of(const http::request&) const;
    [[nodiscard]] result<void> require_edge(const http::request&) const;
    // For whom the sender calls, if it may.
    [[nodiscard]] result<principal> admit(const http::request&, const std::string& sender, const auth_rule&) const;
    [[nodiscard]] const plain* find(const http::request&) const;

    const std::string trust_domain_, edge_;
    clock& clock_;
    grpc::services services_;
    std::vector<plain> routes_;
    std::vector<stream_route> streams_;
    std::deque<std::pair<grpc::streamed, http::body_stream>> message_streams_;  // the server keeps pointers to them
};

}  // namespace bv::rpc
