#include "platform/security/jwt.hpp"

#include "platform/security/encoding.hpp"
#include "platform/security/flat_json.hpp"

namespace bv::security {

namespace {

std::unexpected<error> refuse(const char* reason, const char* message) { return fail(code::unauthenticated, reason, message); }

result<void> check_header(std::string_view encoded, std::string& key) {
    const auto json = parse_base64url(encoded);
    const auto header = json ? parse_jose_header(*json) : std::nullopt;
    if (!header) return refuse("TOKEN_MALFORMED", "The access token's header is malformed.");
    if (header->algorithm != "EdDSA") return refuse("TOKEN_ALGORITHM", "The access token is not signed with EdDSA.");
    if (header->type != "at+jwt") return refuse("TOKEN_MALFORMED", "The token is not an access token (typ at+jwt).");
    key = header->key;
    return {};
}

result<void> check_claims(const access_claims& c, const token_expectation& expected, time_point now) {
    if (c.issuer != expected.issuer) return refuse("TOKEN_ISSUER", "The access token was issued by somebody else.");
    if (c.audience != expected.audience) return refuse("TOKEN_AUDIENCE", "The access token is for another audience.");
    if (c.expires_at <= c.issued_at) return refuse("TOKEN_MALFORMED", "The access token expires before it was issued.");
    if (now >= c.expires_at + clock_skew) return refuse("TOKEN_EXPIRED", "The access token has expired: refresh it, or sign in again.");
    if (c.issued_at > now + clock_skew) return refuse("TOKEN_NOT_YET_VALID", "The access token was issued in the future: check the clocks.");
    return {};
}

}  // namespace

std::string sign_token(const access_claims& claims, const key_ring& ring) {
    // The active key may be retired between the two steps only if it was rotated long before: then the new one is taken.
    for (;;) {
        const std::string key = ring.active_key();
        std::string header = R"({"alg":"EdDSA","typ":"at+jwt","kid":)";
        append_quoted(header, key);
        header += '}';
        std::string out = base64url(header) + "." + base64url(claims_json(claims));
        const auto signature = ring.sign(key, out);
        if (!signature) continue;
        out += "." + base64url(*signature);
        if (out.size() > max_token_bytes)
            throw failure(code::internal, "TOKEN_TOO_LARGE", "The roles and scopes of this account do not fit an access token.");
        return out;
    }
}

result<access_claims> verify_token(std::string_view token, const key_ring& ring, const token_expectation& expected, time_point now) {
    if (token.empty() || token.size() > max_token_bytes) return refuse("TOKEN_MALFORMED", "The access token is empty or too long.");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        return refuse("TOKEN_MALFORMED", "The access token does not have three parts.");
    std::string key;
    if (auto ok = check_header(token.substr(0, first), key); !ok) return std::unexpected(std::move(ok.error()));
    const auto signature = parse_base64url(token.substr(second + 1));
    if (!signature) return refuse("TOKEN_MALFORMED", "The access token's signature is malformed.");
    // Nothing of the payload is read before its signature is known to be ours.
    switch (ring.verify(key, token.substr(0, second), *signature)) {
        case key_ring::check::good: break;
        case key_ring::check::bad: return refuse("TOKEN_SIGNATURE", "The access token's signature does not match.");
        case key_ring::check::unknown_key: return refuse("TOKEN_KEY_UNKNOWN", "The access token was signed with a key that is not known here.");
    }
    const auto json = parse_base64url(token.substr(first + 1, second - first - 1));
    auto claims = json ? parse_claims(*json) : std::nullopt;
    if (!claims) return refuse("TOKEN_MALFORMED", "The access token's claims are malformed.");
    if (auto ok = check_claims(*claims, expected, now); !ok) return std::unexpected(std::move(ok.error()));
    return std::move(*claims);
}

}  // namespace bv::security
