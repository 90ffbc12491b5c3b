// What a process serves to its peers: calls of the contracts that it holds, and plain routes. Nothing is answered that is not
// signed with the platform's call key, but for probes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::rpc {

class peer_listener {
public:
    // The clock outlives it.
    peer_listener(std::string call_key, clock&);

    // Before the first request only. The services outlive it.
    void add(const served&);
    // Signed requests only. A route for all below a folder ends in '*'.
    void add(raw_route);
    // A whole body instead of a stream, within the server's limit.
    void add(stream_route);
    // Open: for probes and scrapers of this machine, which have no key.
    void add_open(raw_route);

    [[nodiscard]] http::handler handler();

private:
    struct target {
        void* service;
        const rpc::method* method;
    };
    struct plain {
        raw_route route;
        bool open;
    };
    task<http::response> serve(http::request&);
    task<http::response> call(http::request&, std::string_view name);
    task<http::response> stream(http::request&, const stream_route&);
    [[nodiscard]] result<principal> caller_of(const http::request&) const;
    [[nodiscard]] const plain* find(const http::request&) const;

    const std::string key_;
    clock& clock_;
    std::map<std::string, target, std::less<>> methods_;  // by "service/method"
    std::vector<plain> routes_;
    std::vector<stream_route> streams_;
};

}  // namespace bv::rpc
