#include "domains/identity/app/steps.hpp"

#include <algorithm>

#include "bitvelocity/identity/v1/events.pb.h"
#include "platform/rpc/timestamp.hpp"
#include "platform/security/policy.hpp"

namespace bv::identity {

std::string etag_of(const account& a) { return std::to_string(a.version); }

contract::Account to_contract(const account& a) {
    contract::Account out;
    out.set_id(a.id.str());
    out.set_email(a.email);
    out.set_display_name(a.display_name);
    for (const auto& r : a.roles) out.add_roles(r);
    rpc::set_timestamp(*out.mutable_create_time(), a.created_at);
    out.set_etag(etag_of(a));
    return out;
}

contract::Account answer(rpc::context& ctx, const account& a) {
    ctx.etag = etag_of(a);
    return to_contract(a);
}

result<account_id> target_of(const rpc::context& ctx, const std::string& id) {
    const bool is_person = ctx.caller.kind == rpc::caller_kind::user;
    if (id == "me") {
        if (is_person) return account_id{ctx.caller.id};
        return fail(code::failed_precondition, "NOT_AN_ACCOUNT", "\"me\" is the account of a signed-in person; this caller is " + ctx.caller.actor() + ". Name an account's id.");
    }
    const auto parsed = account_id::parse(id);
    if (!parsed) return invalid({{"id", "must be a UUID or \"me\""}});
    if ((is_person && parsed->value == ctx.caller.id) || ctx.caller.kind == rpc::caller_kind::service || ctx.caller.has_scope("accounts.admin")) return *parsed;
    return fail(code::permission_denied, "SCOPE_MISSING", "An account is open to its owner only; others need the scope accounts.admin.");
}

std::unexpected<error> no_account(account_id id) { return fail(code::not_found, "ACCOUNT_NOT_FOUND", "There is no account " + id.str() + "."); }

result<std::vector<std::string>> known_roles(std::vector<std::string> roles) {
    std::vector<field_violation> wrong;
    std::string all;
    for (const auto& r : security::roles()) all += (all.empty() ? "" : ", ") + std::string(r.name);
    for (std::size_t i = 0; i < roles.size(); ++i)
        if (security::find_role(roles[i]) == nullptr) wrong.push_back({fmt::format("roles[{}]", i), fmt::format("there is no role \"{}\"; there are {}", roles[i], all)});
    if (!wrong.empty()) return invalid(std::move(wrong));
    std::ranges::sort(roles);
    roles.erase(std::ranges::unique(roles).begin(), roles.end());
    return roles;
}

events::outgoing registered(environment& env, const account& a) {
    contract::AccountRegistered m;
    m.set_account_id(a.id.str());
    for (const auto& r : a.roles) m.add_roles(r);
    return event_of(env, a.id.str(), m);
}

contract::TokenPair token_pair(environment& env, const account& a, session_id session, std::string refresh_token) {
    contract::TokenPair out;
    out.set_access_token(env.tokens.for_account(a, session));
    out.set_refresh_token(std::move(refresh_token));
    out.set_token_type("Bearer");
    out.set_expires_in(static_cast<std::int32_t>(env.tokens.settings().access_life.count()));
    out.set_account_id(a.id.str());
    return out;
}

task<contract::TokenPair> open_session(environment& env, storage::unit_of_work& uow, account a) {
    auto token = mint_refresh_token(env.rng);
    const auto now = env.clock.now();
    const session fresh{session_id::v7(env.clock, env.rng), a.id, token.family, token.current, now, now + env.settings.refresh_life};
    co_await env.sessions.insert(uow, fresh);
    co_return token_pair(env, a, fresh.id, std::move(token.text));
}

task<std::vector<session_id>> end_sessions(environment& env, storage::unit_of_work& uow, account_id id, std::optional<session_id> only) {
    auto ended = co_await env.sessions.end(uow, id, only, env.clock.now());
    if (!ended.empty()) {
        contract::SessionsEnded m;
        m.set_account_id(id.str());
        std::vector<events::outgoing> out;
        out.push_back(event_of(env, id.str(), m));
        co_await env.outbox.append(uow, std::move(out));
    }
    co_return ended;
}

void revoke(environment& env, const std::vector<session_id>& sessions) {
    const auto until = env.tokens.all_out(env.clock.now());
    for (const auto id : sessions) env.revoked.revoke_session(id.str(), until);
}

std::unexpected<error> wrong_credentials() {
    return fail(code::unauthenticated, "INVALID_CREDENTIALS", "The e-mail or the password is wrong.");
}

result<void> require_service(const rpc::context& ctx) {
    if (ctx.caller.kind == rpc::caller_kind::service) return {};
    return fail(code::permission_denied, "SCOPE_MISSING", "This needs the scope " + std::string(security::internal_scope) + ", which only services of the platform have.");
}

}  // namespace bv::identity
