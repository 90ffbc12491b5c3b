// Access tokens: JWT (RFC 7519) signed with EdDSA (RFC 8037), header {"alg":"EdDSA","typ":"at+jwt","kid":…} (RFC 9068).
// The reader follows RFC 8725: one algorithm, the type checked, keys only from our own ring, nothing optional.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/security/claims.hpp"
#include "platform/security/key_ring.hpp"

namespace bv::security {

inline constexpr std::size_t max_token_bytes = 4096;
inline constexpr std::chrono::seconds clock_skew{30};

// Signed by the ring's active key. Throws failure INTERNAL "TOKEN_TOO_LARGE" when roles and scopes do not fit.
[[nodiscard]] std::string sign_token(const access_claims&, const key_ring&);

struct token_expectation {
    std::string issuer;
    std::string audience;
};

// The claims when everything holds. UNAUTHENTICATED with a reason otherwise: TOKEN_MALFORMED, TOKEN_ALGORITHM, TOKEN_KEY_UNKNOWN,
// TOKEN_SIGNATURE, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID, TOKEN_ISSUER, TOKEN_AUDIENCE. Checks the signature every time: see
// token_verifier for the one with a cache.
[[nodiscard]] result<access_claims> verify_token(std::string_view token, const key_ring&, const token_expectation&, time_point now);

}  // namespace bv::security
