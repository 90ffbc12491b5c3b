// What an access token says of its holder (RFC 9068, JWT profile for OAuth 2.0 access tokens).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"

namespace bv::security {

enum class token_kind : unsigned char {
    user,     // a person
    api_key,  // a program: client credentials
    service,  // a service of this platform
};
[[nodiscard]] std::string_view name(token_kind) noexcept;
[[nodiscard]] std::optional<token_kind> parse_token_kind(std::string_view) noexcept;

struct access_claims {
    std::string issuer;               // iss
    std::string audience;             // aud
    std::string subject;              // sub: account or key id as text
    std::string id;                   // jti
    std::string session;              // sid: the session it belongs to (OpenID Connect Front-Channel Logout 1.0, section 3); empty: none
    // iat, whole seconds as others expect them; iat_us holds the microseconds within it, so that what is revoked up to a moment
    // does not take along what was issued later in the same second.
    time_point issued_at{};
    time_point expires_at{};          // exp, whole seconds
    std::vector<std::string> scopes;  // scope: sorted, each once
    std::vector<std::string> roles;
    token_kind kind = token_kind::user;
};

// The JSON of the payload. Scopes hold no spaces.
[[nodiscard]] std::string claims_json(const access_claims&);
// Strict: nullopt for malformed JSON, a duplicate or missing claim, a wrong type, times out of range, nesting beyond
// an array of strings. Other claims with simple values are passed over.
[[nodiscard]] std::optional<access_claims> parse_claims(std::string_view json);

// The JOSE header (RFC 7515 section 4): nullopt unless it is exactly alg, typ and kid, each a string and once.
struct jose_header {
    std::string algorithm, type, key;
};
[[nodiscard]] std::optional<jose_header> parse_jose_header(std::string_view json);

}  // namespace bv::security
