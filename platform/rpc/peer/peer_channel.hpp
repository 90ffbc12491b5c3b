// The way to the processes of a role, on their internal listeners: contracts by gRPC, other routes by HTTP/1.1, all over TLS with
// certificates on both sides. Calls go round the processes; one that refuses the connection, or is not of the role, is passed over.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/net/http/client.hpp"
#include "platform/rpc/channel.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/rpc/peer/directory.hpp"
#include "platform/rpc/peer/peer_identity.hpp"

namespace bv::rpc {

// Thread-safe.
class peer_channel final : public channel {
public:
    // Directory, clock and rng outlive it.
    peer_channel(std::string role, directory&, peer_identity, clock&, rng&);
    // After close().
    ~peer_channel() override;

    task<result<void>> unary(const method&, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& reply, context&) override;
    task<std::unique_ptr<stream_call>> open(const streamed_method&, context&) override;
    // A plain request, for that principal. Throws as unary does. `to`: that process only.
    task<http::client_response> send(http::client_request, principal, std::optional<address> to = std::nullopt);

    // Ends the connections of calls. Those under way fail.
    task<void> close() { return calls_.close(); }

    [[nodiscard]] const std::string& role() const noexcept { return role_; }
    [[nodiscard]] std::vector<address> addresses() const { return directory_.find(role_); }

private:
    [[nodiscard]] std::shared_ptr<http::client> client_of(const address&);
    void follow_directory();
    const std::string role_;
    directory& directory_;
    const peer_identity identity_;
    grpc::channel calls_;
    std::mutex mutex_;
    std::vector<address> called_;  // those that calls_ knows
    std::map<address, std::shared_ptr<http::client>> clients_;
    std::size_t next_ = 0;
};

}  // namespace bv::rpc
