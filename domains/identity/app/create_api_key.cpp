#include "domains/identity/app/api_keys.hpp"
#include "domains/identity/app/steps.hpp"
#include "platform/rpc/timestamp.hpp"
#include "platform/security/api_key.hpp"

namespace bv::identity {

task<result<contract::CreateApiKeyResponse>> create_api_key(environment& env, const rpc::context& ctx, contract::CreateApiKeyRequest request) {
    auto roles = known_roles({request.roles().begin(), request.roles().end()});
    if (!roles) co_return std::unexpected(std::move(roles.error()));
    const auto now = env.clock.now();
    api_key k{api_key_id::v7(env.clock, env.rng), request.label(), {}, std::move(*roles), now};
    if (request.has_expire_time()) k.expires_at = rpc::to_time_point(request.expire_time());
    if (k.expires_at && *k.expires_at <= now) co_return invalid({{"expire_time", "must be in the future; leave it out for a key that does not expire"}});
    auto minted = security::mint_api_key(k.id.value, env.rng);
    k.secret = minted.hash;
    co_await env.transactor.run(as_platform(ctx), [&](storage::unit_of_work& uow) { return env.keys.insert(uow, k); });
    contract::CreateApiKeyResponse out;
    *out.mutable_api_key() = to_contract(k);
    out.set_secret(std::move(minted.text));
    co_return out;
}

}  // namespace bv::identity
