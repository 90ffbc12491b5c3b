#include "bitvelocity/identity/v1/events.pb.h"
#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

struct changed {
    account who;
    std::optional<time_point> tokens_until{};  // those issued until then have the old roles; none: nothing changed
};

task<result<changed>> store(environment& env, storage::unit_of_work& uow, const rpc::context& ctx, account_id id, std::vector<std::string> roles) {
    auto a = co_await env.accounts.lock(uow, id);
    if (!a) co_return no_account(id);
    if (auto match = ctx.require_match(etag_of(*a)); !match) co_return std::unexpected(std::move(match.error()));
    if (a->roles == roles) co_return changed{std::move(*a)};
    // Now that the account is locked: who signed in while this waited for it has the old roles too.
    const auto now = env.clock.now();
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
    co_return changed{std::move(*a), now};
}

}  // namespace

task<result<contract::Account>> set_roles(environment& env, rpc::context& ctx, contract::SetRolesRequest request) {
    const auto id = target_of(ctx, request.id());
    if (!id) co_return std::unexpected(id.error());
    const auto roles = known_roles({request.roles().begin(), request.roles().end()});
    if (!roles) co_return std::unexpected(roles.error());
    const auto stored = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return store(env, uow, ctx, *id, *roles); });
    if (!stored) co_return std::unexpected(stored.error());
    if (const auto until = stored->tokens_until) env.revoked.revoke_subject(id->str(), *until, env.tokens.all_out(*until));
    co_return answer(ctx, stored->who);
}

}  // namespace bv::identity
