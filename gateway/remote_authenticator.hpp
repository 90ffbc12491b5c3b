// Who is calling, where identity is another process: access tokens are verified here with identity's public keys, what it
// called back is followed, API keys are asked for and remembered for a while.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "platform/core/clock.hpp"
#include "platform/rpc/auth/caching_authenticator.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::gateway {

struct remote_authenticator_options {
    rpc::caching_authenticator::options known{};
    seconds interval{5};                // how soon revocations and new keys are seen
    milliseconds key_patience{1'000};   // between two looks for a key that is not known
};

// While identity is away, known tokens and keys go on; an API key not seen lately is answered UNAVAILABLE, and so is a token
// under a key that is not known.
class remote_authenticator final : public rpc::authenticator {
public:
    // Both outlive it.
    remote_authenticator(remote_authenticator_options, bitvelocity::identity::v1::identity_service&, clock&);
    ~remote_authenticator() override;

    task<result<rpc::principal>> bearer(std::string token) override;
    task<result<rpc::principal>> api_key(std::string key) override;
    [[nodiscard]] bool is_known(std::string_view credential) override { return known_->is_known(credential); }

    // start asks identity once and waits until it answers.
    [[nodiscard]] bv::module lifecycle();
    // Takes over keys and revocations: what the background job does. Throws failure UNAVAILABLE.
    task<void> follow();

private:
    task<void> start();
    task<void> stop();
    task<void> follow_on();
    task<result<rpc::known_api_key>> check(std::string key);

    remote_authenticator_options options_;
    bitvelocity::identity::v1::identity_service& identity_;
    clock& clock_;
    security::revocations revoked_;
    std::shared_ptr<security::key_ring> ring_;              // set once, before anybody asks
    std::optional<rpc::caching_authenticator> known_;
    std::mutex mutex_;
    std::optional<google::protobuf::Timestamp> since_;
    steady_point looked_for_key_{};
    scope jobs_{"trust"};
};

}  // namespace bv::gateway
