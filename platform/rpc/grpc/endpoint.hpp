// What a part of the platform offers to its other parts: services over gRPC, to peers that know the shared secret.
#pragma once

#include <memory>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/services.hpp"

namespace bv::rpc::grpc {

struct endpoint_options {
    std::string secret{};                    // channel_options::secret; never empty
    milliseconds timeout{30'000};            // of a call that brings no deadline
    std::size_t max_message_bytes = 16 * 1024 * 1024;
};

// For an http::server of its own, which the public cannot reach. Outlives the server.
class endpoint {
public:
    endpoint(endpoint_options, clock&);
    // Before the first request only.
    void add(const served& s) { services_.add(s); }
    [[nodiscard]] http::handler handler();

private:
    task<http::response> serve(http::request&);
    [[nodiscard]] result<principal> caller_of(const http::request&) const;

    endpoint_options options_;
    clock& clock_;
    services services_;
};

}  // namespace bv::rpc::grpc
