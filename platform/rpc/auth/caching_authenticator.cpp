#include "platform/rpc/auth/caching_authenticator.hpp"

#include <algorithm>

#include "platform/security/api_key.hpp"
#include "platform/security/policy.hpp"

namespace bv::rpc {

namespace {

std::unexpected<error> bad_key() {
    return fail(code::unauthenticated, "API_KEY_INVALID", "The API key is malformed, unknown, expired or revoked.");
}

}  // namespace

caching_authenticator::caching_authenticator(options o, const security::key_ring& ring, const security::revocations& revoked, const clock& c, api_key_check check)
    : options_(std::move(o)), revoked_(revoked), clock_(c), check_(std::move(check)),
      verifier_({.expected = options_.expected, .max_cached = options_.max_tokens}, ring, c, &revoked), keys_(options_.max_keys) {}

task<result<principal>> caching_authenticator::bearer(std::string token) {
    const auto verified = verifier_.verify(token);
    if (!verified) co_return std::unexpected(verified.error());
    const security::access_claims& c = **verified;
    const auto id = uuid::parse(c.subject);
    // Services do not come in by the edge: no token makes one.
    if (!id || c.kind == security::token_kind::service)
        co_return fail(code::unauthenticated, "TOKEN_MALFORMED", "The access token is neither an account's nor an API key's.");
    const auto kind = c.kind == security::token_kind::user ? caller_kind::user : caller_kind::api_key;
    co_return principal{kind, *id, {}, c.roles, c.scopes};
}

bool caching_authenticator::is_known(std::string_view credential) {
    if (verifier_.is_cached(credential)) return true;
    const auto key = security::parse_api_key(credential) ? keys_.find(security::sha256(credential), clock_.now()) : std::nullopt;
    return key && (*key)->who;
}

task<result<principal>> caching_authenticator::api_key(std::string key) {
    // A mistyped key costs neither a look-up nor a place in the cache.
    const auto parsed = security::parse_api_key(key);
    if (!parsed) co_return bad_key();
    const auto digest = security::sha256(key);
    const auto now = clock_.now();
    if (const auto hit = keys_.find(digest, now)) {
        const known_key& k = **hit;
        if (!revoked_.is_subject_revoked(k.subject, k.seen)) {
            if (!k.who) co_return bad_key();
            co_return *k.who;
        }
        keys_.erase(digest);
    }
    const auto found = co_await check_(std::move(key));
    if (!found && found.error().code != code::unauthenticated) co_return std::unexpected(found.error());
    auto fresh = std::make_shared<known_key>(known_key{std::nullopt, parsed->id.str(), now});
    auto until = now + options_.key_life;
    if (found) {
        fresh->who = principal{caller_kind::api_key, found->id, {}, found->roles, security::scopes_of(found->roles)};
        if (found->expires_at) until = std::min(until, *found->expires_at);
    }
    keys_.put(digest, fresh, until);
    if (!found) co_return bad_key();
    co_return *fresh->who;
}

}  // namespace bv::rpc
