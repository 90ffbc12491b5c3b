#include "bitvelocity/identity/v1/events.pb.h"
#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

task<result<account>> store(environment& env, storage::unit_of_work& uow, const rpc::context& ctx, account_id id, std::vector<std::string> roles, time_point now) {
    auto a = co_await env.accounts.lock(uow, id);
    if (!a) co_return no_account(id);
    if (auto match = ctx.require_match(etag_of(*a)); !match) co_return std::unexpected(std::move(match.error()));
    if (a->roles == roles) co_return std::move(*a);
    a->roles = std::move(roles);
    a->updated_at = now;
    ++a->version;
    co_await env.accounts.save(uow, *a);
    co_await env.accounts.invalidate_tokens(uow, id, now);
    contract::AccountRolesChanged m;
    m.set_account_id(id.str());
    for (const auto& r : a->roles) m.add_roles(r);
    std::vector<events::outgoing> out;
    out.push_back(event_of(env, id.str(), m));
    co_await env.outbox.append(uow, std::move(out));
    co_return std::move(*a);
}

}  // namespace

task<result<contract::Account>> set_roles(environment& env, rpc::context& ctx, contract::SetRolesRequest request) {
    const auto id = target_of(ctx, request.id());
    if (!id) co_return std::unexpected(id.error());
    const auto roles = known_roles({request.roles().begin(), request.roles().end()});
    if (!roles) co_return std::unexpected(roles.error());
    const auto now = env.clock.now();
    const auto stored = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return store(env, uow, ctx, *id, *roles, now); });
    if (!stored) co_return std::unexpected(stored.error());
    if (stored->updated_at == now) env.revoked.revoke_subject(id->str(), now, env.tokens.all_out(now));
    co_return answer(ctx, *stored);
}

}  // namespace bv::identity
