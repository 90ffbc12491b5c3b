#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {
task<std::optional<account>> find(environment& env, storage::unit_of_work& uow, account_id id) { co_return co_await env.accounts.find(uow, id); }
}  // namespace

task<result<contract::Account>> get_account(environment& env, rpc::context& ctx, std::string text) {
    const auto id = target_of(ctx, text);
    if (!id) co_return std::unexpected(id.error());
    const auto found = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return find(env, uow, *id); });
    if (!found) co_return no_account(*id);
    co_return answer(ctx, *found);
}

}  // namespace bv::identity
