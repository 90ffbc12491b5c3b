#include "domains/identity/app/steps.hpp"
#include "platform/rpc/timestamp.hpp"
#include "platform/security/key_ring.hpp"

namespace bv::identity {

namespace {

// Looked at again by who asks from `next`: a transaction may commit that much after the time that it wrote.
constexpr seconds overlap{60};

task<std::vector<revocation>> find(environment& env, storage::unit_of_work& uow, time_point since) { co_return co_await env.revocations.since(uow, since); }

}  // namespace

task<result<contract::GetTrustResponse>> get_trust(environment& env, const rpc::context& ctx, const security::key_ring& ring, contract::GetTrustRequest request) {
    if (auto allowed = require_service(ctx); !allowed) co_return std::unexpected(std::move(allowed.error()));
    const auto now = env.clock.now();
    const auto since = request.has_since() ? rpc::to_time_point(request.since()) : now - (env.tokens.all_out(now) - now) - overlap;
    auto options = as_platform(ctx);
    options.read_only = true;
    contract::GetTrustResponse out;
    for (const auto& r : co_await env.transactor.transact(options, [&](storage::unit_of_work& uow) { return find(env, uow, since); })) {
        auto* one = out.add_revocations();
        one->set_session(r.what == revocation::kind::session);
        one->set_id(r.id.str());
        rpc::set_timestamp(*one->mutable_time(), r.at);
        rpc::set_timestamp(*one->mutable_expire_time(), env.tokens.all_out(r.at));
    }
    for (const auto& k : ring.public_keys()) {
        auto* key = out.add_keys();
        key->set_public_key(k.bytes);
        rpc::set_timestamp(*key->mutable_create_time(), k.created);
    }
    rpc::set_timestamp(*out.mutable_next(), now - overlap);
    co_return out;
}

task<result<contract::CheckApiKeyResponse>> tell_api_key(environment& env, const rpc::context& ctx, std::string text) {
    if (auto allowed = require_service(ctx); !allowed) co_return std::unexpected(std::move(allowed.error()));
    const auto found = co_await check_api_key(env, std::move(text));
    if (!found) co_return std::unexpected(found.error());
    contract::CheckApiKeyResponse out;
    out.set_id(found->id.str());
    for (const auto& r : found->roles) out.add_roles(r);
    if (found->expires_at) rpc::set_timestamp(*out.mutable_expire_time(), *found->expires_at);
    co_return out;
}

}  // namespace bv::identity
