#include "domains/identity/app/steps.hpp"
#include "domains/identity/model/password_policy.hpp"
#include "platform/security/envelope.hpp"

namespace bv::identity {

namespace {

task<bool> store(environment& env, storage::unit_of_work& uow, account a) {
    if (!co_await env.accounts.insert(uow, a)) co_return false;
    std::vector<events::outgoing> out;
    out.push_back(registered(env, a));
    co_await env.outbox.append(uow, std::move(out));
    co_return true;
}

}  // namespace

task<result<contract::Account>> register_account(environment& env, const rpc::context& ctx, contract::RegisterRequest request) {
    account a{account_id::v7(env.clock, env.rng), security::normalised_email(request.email()), request.display_name()};
    if (auto fault = password_fault(request.password(), a.email)) co_return invalid({{"password", std::move(*fault)}});
    a.roles = {"customer"};
    a.created_at = a.updated_at = env.clock.now();
    // Before it is known whether the e-mail is free, so that the answer takes as long either way.
    a.password_hash = co_await env.hasher.hash(std::move(*request.mutable_password()));
    const bool stored = co_await env.transactor.transact(as_account(ctx, a.id), [&](storage::unit_of_work& uow) { return store(env, uow, a); });
    if (!stored) co_return fail(code::already_exists, "EMAIL_TAKEN", "There is an account with this e-mail: log in, or use another.");
    co_return to_contract(a);
}

}  // namespace bv::identity
