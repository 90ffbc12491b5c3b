// What a process serves to its peers: the contracts that it holds by gRPC, and plain routes. Nothing is answered that is not
// signed with the platform's call key, but for probes.
#pragma once

#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::rpc {

class peer_listener {
public:
    // The clock outlives it.
    peer_listener(std::string call_key, clock&);

    // Before the first request only. The services outlive it.
    void add(const served& s) { services_.add(s); }
    // Signed requests only. A route for all below a folder ends in '*'.
    void add(raw_route);
    // A whole body instead of a stream, within the server's limit.
    void add(stream_route);
    // Open: for probes and scrapers of this machine, which have no key.
    void add_open(raw_route);

    [[nodiscard]] http::handler handler();

private:
    struct plain {
        raw_route route;
        bool open;
    };
    task<http::response> serve(http::request&);
    task<http::response> call(http::request&);
    task<http::response> stream(http::request&, const stream_route&);
    [[nodiscard]] result<principal> caller_of(const http::request&) const;
    [[nodiscard]] const plain* find(const http::request&) const;

    const std::string key_;
    clock& clock_;
    grpc::services services_;
    std::vector<plain> routes_;
    std::vector<stream_route> streams_;
};

}  // namespace bv::rpc
