#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

task<result<account>> store(environment& env, storage::unit_of_work& uow, const rpc::context& ctx, account_id id, const std::optional<std::string>& display_name) {
    auto a = co_await env.accounts.lock(uow, id);
    if (!a) co_return no_account(id);
    if (auto match = ctx.require_match(etag_of(*a)); !match) co_return std::unexpected(std::move(match.error()));
    if (!display_name || a->display_name == *display_name) co_return std::move(*a);
    a->display_name = *display_name;
    a->updated_at = env.clock.now();
    ++a->version;
    co_await env.accounts.save(uow, *a);
    co_return std::move(*a);
}

}  // namespace

task<result<contract::Account>> update_account(environment& env, rpc::context& ctx, contract::UpdateAccountRequest request) {
    const auto id = target_of(ctx, request.account().id());
    if (!id) co_return std::unexpected(id.error());
    std::optional<std::string> display_name;
    for (const auto& path : request.update_mask().paths())
        if (path == "display_name") display_name = request.account().display_name();
    const auto stored = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return store(env, uow, ctx, *id, display_name); });
    if (!stored) co_return std::unexpected(stored.error());
    co_return answer(ctx, *stored);
}

}  // namespace bv::identity
