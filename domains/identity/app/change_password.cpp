#include "domains/identity/app/steps.hpp"
#include "domains/identity/model/password_policy.hpp"

namespace bv::identity {

namespace {

struct changed {
    result<contract::TokenPair> tokens;
    std::vector<session_id> ended{};
};

task<std::optional<account>> find(environment& env, storage::unit_of_work& uow, account_id id) { co_return co_await env.accounts.find(uow, id); }

// `verified`: the hash that old_password was found right for, where the account is the caller's own.
task<changed> store(environment& env, storage::unit_of_work& uow, account_id id, const std::optional<std::string>& verified, std::string hash) {
    auto a = co_await env.accounts.lock(uow, id);
    if (!a) co_return changed{no_account(id)};
    if (verified && a->password_hash != verified) co_return changed{wrong_credentials()};
    a->password_hash = std::move(hash);
    a->updated_at = env.clock.now();
    ++a->version;
    co_await env.accounts.save(uow, *a);
    auto ended = co_await end_sessions(env, uow, id, std::nullopt);
    contract::TokenPair tokens;
    tokens.set_account_id(id.str());
    if (verified) tokens = co_await open_session(env, uow, std::move(*a));
    co_return changed{std::move(tokens), std::move(ended)};
}

}  // namespace

task<result<contract::TokenPair>> change_password(environment& env, const rpc::context& ctx, contract::ChangePasswordRequest request) {
    const auto id = target_of(ctx, request.id());
    if (!id) co_return std::unexpected(id.error());
    if (ctx.caller.kind != rpc::caller_kind::user)
        co_return fail(code::permission_denied, "PERSON_NEEDED", "A password is changed by a signed-in person, who gives the own password with it.");
    const account_id self{ctx.caller.id};
    const auto caller = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return find(env, uow, self); });
    if (!caller) co_return no_account(self);
    const auto verified = co_await verify_under_throttle(env, ctx, caller->email, std::move(*request.mutable_old_password()));
    if (!verified) co_return std::unexpected(verified.error());
    if (!*verified) co_return fail(code::permission_denied, "OLD_PASSWORD_WRONG", "old_password is not the caller's password.");
    auto target = caller;
    if (*id != self) target = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return find(env, uow, *id); });
    if (!target) co_return no_account(*id);
    if (auto fault = password_fault(request.new_password(), target->email)) co_return invalid({{"new_password", std::move(*fault)}});
    const auto hash = co_await env.hasher.hash(std::move(*request.mutable_new_password()));
    const auto own = *id == self ? (*verified)->password_hash : std::nullopt;
    auto done = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return store(env, uow, *id, own, hash); });
    revoke(env, done.ended);
    co_return std::move(done.tokens);
}

}  // namespace bv::identity
