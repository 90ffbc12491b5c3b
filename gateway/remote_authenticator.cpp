#include "gateway/remote_authenticator.hpp"

#include <fmt/format.h>

#include "platform/rpc/timestamp.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/untraced.hpp"

namespace bv::gateway {

namespace contract = bitvelocity::identity::v1;

namespace {

constexpr milliseconds first_retry{100};

std::unexpected<error> identity_away(std::string_view what) {
    auto out = fail(code::unavailable, "IDENTITY_UNAVAILABLE", fmt::format("The identity service does not answer, and {} is not known here; try again shortly.", what));
    out.error().retry_after = milliseconds(1'000);
    return out;
}

}  // namespace

remote_authenticator::remote_authenticator(remote_authenticator_options o, contract::identity_service& identity, clock& c)
    : options_(std::move(o)), identity_(identity), clock_(c) {}
remote_authenticator::~remote_authenticator() = default;

task<void> remote_authenticator::follow() {
    auto ctx = rpc::context::for_service("gateway", telemetry::untraced());
    ctx.deadline = clock_.steady_now() + options_.interval;
    contract::GetTrustRequest request;
    {
        const std::scoped_lock lock(mutex_);
        if (since_) *request.mutable_since() = *since_;
    }
    const auto trust = co_await identity_.get_trust(ctx, std::move(request));
    if (!trust) throw failure(trust.error());
    std::vector<security::key_ring::public_key> keys;
    for (const auto& k : trust->keys()) keys.push_back({k.public_key(), rpc::to_time_point(k.create_time())});
    const auto ring = security::key_ring::verifying(keys);
    if (!ring) throw failure(ring.error());
    if (ring_) ring_->adopt(**ring);
    else ring_ = *ring;
    for (const auto& r : trust->revocations()) {
        if (r.session()) revoked_.revoke_session(r.id(), rpc::to_time_point(r.expire_time()));
        else revoked_.revoke_subject(r.id(), rpc::to_time_point(r.time()), rpc::to_time_point(r.expire_time()));
    }
    revoked_.sweep(clock_.now());
    const std::scoped_lock lock(mutex_);
    since_ = trust->next();
}

task<void> remote_authenticator::follow_on() {
    while (!jobs_.stopping()) {
        co_await clock_.sleep_for(options_.interval);
        try {
            co_await follow();
        } catch (const failure& f) {
            telemetry::warn("gateway.revocations_not_seen", {{"reason", f.error().reason}});
        }
    }
}

task<void> remote_authenticator::start() {
    while (!ring_) {
        try {
            co_await follow();
        } catch (const failure& f) {
            telemetry::warn("gateway.identity_awaited", {{"reason", f.error().reason}});
        }
        if (!ring_) co_await clock_.sleep_for(first_retry);
    }
    known_.emplace(options_.known, *ring_, revoked_, clock_, [this](std::string key) { return check(std::move(key)); });
    jobs_.spawn(co_await asio::this_coro::executor, follow_on());
}

task<void> remote_authenticator::stop() {
    jobs_.stop();
    co_await jobs_.join();
}

bv::module remote_authenticator::lifecycle() {
    return {.name = "trust", .needs = {}, .start = [this] { return start(); }, .stop = [this] { return stop(); }};
}

task<result<rpc::principal>> remote_authenticator::bearer(std::string token) {
    auto verified = co_await known_->bearer(token);
    if (verified || verified.error().reason != "TOKEN_KEY_UNKNOWN") co_return verified;
    // Perhaps by a key that was made since the last look. Who sends made-up keys does not make us ask for each.
    {
        const std::scoped_lock lock(mutex_);
        const auto now = clock_.steady_now();
        if (now < looked_for_key_ + options_.key_patience) co_return verified;
        looked_for_key_ = now;
    }
    bool away = false;
    try {
        co_await follow();
    } catch (const failure&) {
        away = true;
    }
    verified = co_await known_->bearer(std::move(token));
    if (away && !verified && verified.error().reason == "TOKEN_KEY_UNKNOWN") co_return identity_away("the key of this access token");
    co_return verified;
}

task<result<rpc::principal>> remote_authenticator::api_key(std::string key) { return known_->api_key(std::move(key)); }

task<result<rpc::known_api_key>> remote_authenticator::check(std::string key) {
    auto ctx = rpc::context::for_service("gateway", telemetry::untraced());
    ctx.deadline = clock_.steady_now() + options_.interval;
    contract::CheckApiKeyRequest request;
    request.set_api_key(std::move(key));
    std::optional<error> broken;
    try {
        const auto found = co_await identity_.check_api_key(ctx, std::move(request));
        if (found) {
            const auto id = uuid::parse(found->id());
            if (!id) throw failure(code::internal, "MALFORMED_ANSWER", "identity gave a key without an id");
            rpc::known_api_key out{*id, {found->roles().begin(), found->roles().end()}, std::nullopt};
            if (found->has_expire_time()) out.expires_at = rpc::to_time_point(found->expire_time());
            co_return out;
        }
        broken = found.error();
    } catch (const failure& f) {
        broken = f.error();
    }
    if (broken->code == code::unauthenticated && broken->reason.starts_with("API_KEY_")) co_return std::unexpected(*broken);
    telemetry::warn("gateway.api_key_not_checked", {{"reason", broken->reason}});
    co_return identity_away("this API key");
}

}  // namespace bv::gateway
