#include "bitvelocity/identity/v1/events.pb.h"
#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

task<bool> store(environment& env, storage::unit_of_work& uow, api_key_id id, time_point now) {
    if (!co_await env.keys.revoke(uow, id, now)) co_return (co_await env.keys.find(uow, id)).has_value();
    contract::ApiKeyRevoked m;
    m.set_api_key_id(id.str());
    std::vector<events::outgoing> out;
    out.push_back(event_of(env, id.str(), m));
    co_await env.outbox.append(uow, std::move(out));
    co_return true;
}

}  // namespace

task<result<void>> revoke_api_key(environment& env, const rpc::context& ctx, contract::RevokeApiKeyRequest request) {
    const auto id = api_key_id::parse(request.id());
    if (!id) co_return invalid({{"id", "must be a UUID"}});
    const auto now = env.clock.now();
    if (!co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return store(env, uow, *id, now); }))
        co_return fail(code::not_found, "API_KEY_NOT_FOUND", "There is no API key " + id->str() + ".");
    // Its access tokens and what is remembered of it.
    env.revoked.revoke_subject(id->str(), now + still_traded, env.tokens.all_out(now + still_traded));
    co_return result<void>{};
}

}  // namespace bv::identity
