// Makes access tokens, and refresh tokens of two parts: "<family>.<current>".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domains/identity/model/types.hpp"
#include "platform/security/jwt.hpp"

namespace bv::identity {

class token_issuer {
public:
    struct options {
        std::string issuer = "http://localhost:8080";  // where clients reach the platform (RFC 8414 section 2)
        std::string audience = "bitvelocity";
        seconds access_life{15 * 60};
    };
    // The ring outlives the issuer.
    token_issuer(options o, const security::key_ring& ring, bv::clock& c, bv::rng& r) : options_(std::move(o)), ring_(ring), clock_(c), rng_(r) {}

    [[nodiscard]] std::string for_account(const account&, session_id) const;
    // With these of the key's scopes.
    [[nodiscard]] std::string for_key(const api_key&, std::vector<std::string> scopes) const;
    [[nodiscard]] const options& settings() const noexcept { return options_; }
    // By when no token issued until `at` is good any more.
    [[nodiscard]] time_point all_out(time_point at) const { return at + options_.access_life + security::clock_skew; }

private:
    [[nodiscard]] security::access_claims claims_of(std::string subject) const;
    options options_;
    const security::key_ring& ring_;
    bv::clock& clock_;
    bv::rng& rng_;
};

struct refresh_token {
    std::string text;
    secret_hash family{}, current{};
};
// A new family, or the next token of the family of `previous` (a refresh token's text).
[[nodiscard]] refresh_token mint_refresh_token(bv::rng&, std::string_view previous = {});
// nullopt when it has not two parts.
[[nodiscard]] std::optional<refresh_token> parse_refresh_token(std::string_view text);

}  // namespace bv::identity
