#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

// nullopt when the password was changed since it was verified.
task<std::optional<contract::TokenPair>> enter(environment& env, storage::unit_of_work& uow, const account& verified, const std::optional<std::string>& rehashed) {
    auto current = co_await env.accounts.lock(uow, verified.id);
    if (!current || current->password_hash != verified.password_hash) co_return std::nullopt;
    if (rehashed) {
        current->password_hash = rehashed;
        co_await env.accounts.save(uow, *current);
    }
    co_return co_await open_session(env, uow, std::move(*current));
}

}  // namespace

task<result<contract::TokenPair>> log_in(environment& env, const rpc::context& ctx, contract::LogInRequest request) {
    auto verified = co_await verify_under_throttle(env, ctx, request.email(), request.password());
    if (!verified) co_return std::unexpected(std::move(verified.error()));
    if (!*verified) co_return wrong_credentials();
    const account& who = **verified;
    // Hashes made at another cost are renewed while the password is at hand.
    std::optional<std::string> rehashed;
    if (env.hasher.needs_rehash(*who.password_hash)) rehashed = co_await env.hasher.hash(std::move(*request.mutable_password()));
    auto tokens = co_await env.transactor.transact(as_account(ctx, who.id), [&](storage::unit_of_work& uow) { return enter(env, uow, who, rehashed); });
    if (!tokens) co_return wrong_credentials();
    co_return std::move(*tokens);
}

}  // namespace bv::identity
