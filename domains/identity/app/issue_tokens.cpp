#include "domains/identity/app/issue_tokens.hpp"

#include "platform/security/policy.hpp"
#include "platform/security/token.hpp"

namespace bv::identity {

security::access_claims token_issuer::claims_of(std::string subject) const {
    const auto now = clock_.now();
    security::access_claims c;
    c.issuer = options_.issuer;
    c.audience = options_.audience;
    c.subject = std::move(subject);
    c.id = uuid::v7(clock_, rng_).str();
    c.issued_at = now;
    c.expires_at = std::chrono::floor<std::chrono::seconds>(now) + options_.access_life;
    return c;
}

std::string token_issuer::for_account(const account& a, session_id session) const {
    auto c = claims_of(a.id.str());
    c.session = session.str();
    c.roles = a.roles;
    c.scopes = security::scopes_of(a.roles);
    c.kind = security::token_kind::user;
    return security::sign_token(c, ring_);
}

std::string token_issuer::for_key(const api_key& k, std::vector<std::string> scopes) const {
    auto c = claims_of(k.id.str());
    c.roles = k.roles;
    c.scopes = std::move(scopes);
    c.kind = security::token_kind::api_key;
    return security::sign_token(c, ring_);
}

refresh_token mint_refresh_token(bv::rng& random, std::string_view previous) {
    const std::string family = previous.empty() ? security::new_opaque_token(random).text : std::string(previous.substr(0, previous.find('.')));
    const auto current = security::new_opaque_token(random);
    return {family + "." + current.text, security::hash_of_token(family), current.hash};
}

std::optional<refresh_token> parse_refresh_token(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return std::nullopt;
    return refresh_token{std::string(text), security::hash_of_token(text.substr(0, dot)), security::hash_of_token(text.substr(dot + 1))};
}

}  // namespace bv::identity
