#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

task<std::vector<session_id>> leave(environment& env, storage::unit_of_work& uow, secret_hash family) {
    const auto found = co_await env.sessions.lock_by_family(uow, family);
    if (!found || found->ended_at) co_return std::vector<session_id>{};
    co_return co_await end_sessions(env, uow, found->account, found->id);
}

}  // namespace

task<result<void>> log_out(environment& env, const rpc::context& ctx, std::string token) {
    const auto presented = parse_refresh_token(token);
    if (!presented) co_return result<void>{};
    // An older token of the family will do: whoever has it could end the session by using it anyway.
    const auto ended = co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return leave(env, uow, presented->family); });
    revoke(env, ended);
    co_return result<void>{};
}

}  // namespace bv::identity
