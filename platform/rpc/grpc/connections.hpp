// A channel's connections: per io_context one to each instance, opened when it is needed and again, with growing pauses, when lost.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "platform/net/http2/client.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::rpc::grpc {

class connections : public std::enable_shared_from_this<connections> {
public:
    connections(const channel_options&, clock&, rng&);
    // A connection with room; waits while one is being opened, channel_options::connect_timeout at most. Null: there is none now. Throws
    // only when cancelled.
    static task<std::shared_ptr<http2::client_connection>> acquire(std::shared_ptr<connections>, instance);
    task<void> close();

private:
    struct slot;

    [[nodiscard]] std::shared_ptr<slot> slot_of(const asio::any_io_executor&, const instance&);
    static task<void> open(std::shared_ptr<connections>, std::shared_ptr<slot>, instance, asio::any_io_executor);

    const channel_options& options_;
    clock& clock_;
    rng& rng_;
    std::shared_ptr<asio::ssl::context> tls_;
    scope tasks_;
    std::mutex mutex_;
    std::map<std::pair<const void*, std::string>, std::shared_ptr<slot>> slots_;
};

}  // namespace bv::rpc::grpc
