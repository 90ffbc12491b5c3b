// gRPC to the instances of a service: connections kept per core and instance, each call to the instance with the fewest of ours under
// way, one circuit breaker an instance, repeats only where nothing can happen twice.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/resilience/circuit_breaker.hpp"
#include "platform/resilience/retry.hpp"
#include "platform/rpc/channel.hpp"

namespace bv::http {
class mutual_tls;
}

namespace bv::rpc::grpc {

struct instance {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    friend bool operator==(const instance&, const instance&) = default;
};

struct channel_options {
    std::string name;                    // of what is called, in metrics and errors: "order"
    std::vector<instance> instances{};   // may be set later
    bool tls = false;
    std::string ca_file{};               // PEM; empty: the system's
    bool any_name = false;               // with ca_file: whoever has such a certificate is the peer
    std::shared_ptr<http::mutual_tls> peers{};  // TLS with certificates on both sides, instead of the three above
    std::string peer_uri{};              // with it: who must be there, by certificate
    std::vector<std::pair<std::string, std::string>> metadata{};  // sent with every call; names in lower case
    bool gzip = false;                   // compress what is sent
    std::string token{};                 // sent as "Authorization: Bearer"; empty: none
    // What tells a peer for whom a call is ("bv-caller"). Null: nothing is said.
    std::string (*caller_text)(const principal&) = nullptr;
    milliseconds connect_timeout{3'000};
    milliseconds timeout{30'000};        // of a call whose context has no deadline
    std::size_t max_message_bytes = 16 * 1024 * 1024;
    resilience::retry_policy retry{};    // of calls that may be repeated, and of those that surely were not handled
};

// A call is repeated at another instance when the one asked surely did not handle it: no connection, refused, or cut off by its
// GOAWAY. When the answer was lost it is repeated only if the contract says that this is safe, or if it carries an idempotency key
// and the contract keeps answers under such. Lives no longer than the io_contexts that it is used on.
class channel final : public rpc::channel {
public:
    channel(channel_options, clock&, rng&);
    // After close().
    ~channel() override;

    task<result<void>> unary(const method&, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& answer, context&) override;
    // A stream is not repeated, but opened at another instance when the first surely did not take it. Without a deadline in the context it
    // may take as long as both sides talk.
    task<std::unique_ptr<stream_call>> open(const streamed_method&, context&) override;
    // From now on. Calls under way at others end there. Thread-safe.
    void set_instances(std::vector<instance>);
    // Ends every connection; calls under way fail.
    task<void> close();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::rpc::grpc
