#include "domains/identity/app/steps.hpp"
#include "platform/security/digest.hpp"

namespace bv::identity {

namespace {

struct outcome {
    result<contract::TokenPair> tokens;
    std::vector<session_id> ended{};
};

std::unexpected<error> no_good() { return fail(code::unauthenticated, "REFRESH_TOKEN_INVALID", "The refresh token is unknown, has expired or was logged out: log in again."); }

task<outcome> trade(environment& env, storage::unit_of_work& uow, refresh_token presented) {
    // The account first, and its sessions after it, as whoever changes its roles or its password takes them: the new token has the
    // roles that are good when it is issued.
    const auto whose = co_await env.sessions.account_of(uow, presented.family);
    const auto who = whose ? co_await env.accounts.lock(uow, *whose) : std::nullopt;
    if (!who) co_return outcome{no_good()};
    const auto found = co_await env.sessions.lock_by_family(uow, presented.family);
    const auto now = env.clock.now();
    if (!found || found->ended_at || now >= found->expires_at) co_return outcome{no_good()};
    if (!security::equal_in_constant_time(found->current, presented.current)) {
        // Ours, but traded before: either this caller or the one before has stolen it (RFC 9700 section 4.14.2).
        auto ended = co_await end_sessions(env, uow, found->account, found->id);
        co_return outcome{fail(code::unauthenticated, "REFRESH_TOKEN_REUSED", "The refresh token was used before: the session was ended for safety. Log in again."), std::move(ended)};
    }
    auto next = mint_refresh_token(env.rng, presented.text);
    co_await env.sessions.rotate(uow, found->id, next.current, now + env.settings.refresh_life);
    co_return outcome{token_pair(env, *who, found->id, std::move(next.text))};
}

}  // namespace

task<result<contract::TokenPair>> refresh_session(environment& env, const rpc::context& ctx, std::string token) {
    const auto presented = parse_refresh_token(token);
    if (!presented) co_return no_good();
    auto done = co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return trade(env, uow, *presented); });
    revoke(env, done.ended);
    co_return std::move(done.tokens);
}

}  // namespace bv::identity
