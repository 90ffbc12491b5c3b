#include <string>

#include "platform/security/api_key.hpp"
#include "platform/security/hmac_signature.hpp"
#include "platform/security/jwt.hpp"
#include "platform/testing/fuzz.hpp"

// What a client presents: a bearer token, an API key, or a signed call-back. None of them is accepted that we did not make.
BV_FUZZ(credential) {
    static const auto ring = bv::security::key_ring::generate(bv::time_point{});
    const bv::time_point now{std::chrono::seconds(1'770'000'000)};
    const auto claims = bv::security::verify_token(bytes, *ring, {.issuer = "bv", .audience = "bv"}, now);
    BV_ASSERT(!claims && claims.error().code == bv::code::unauthenticated);
    // The same behind a header that is good, so that the payload and the signature are looked at.
    static const std::string good = bv::security::sign_token({.issuer = "bv", .audience = "bv", .subject = "s", .id = "i", .session = {}, .issued_at = now, .expires_at = now + std::chrono::hours(1), .scopes = {}, .roles = {}}, *ring);
    const std::string tampered = good.substr(0, good.find('.') + 1) + std::string(bytes);
    BV_ASSERT(tampered == good || !bv::security::verify_token(tampered, *ring, {.issuer = "bv", .audience = "bv"}, now));

    if (bv::security::parse_api_key(bytes)) BV_ASSERT(bv::security::looks_like_api_key(bytes));

    const auto line = bytes.substr(0, bytes.find('\n'));
    const auto body = bytes.substr(std::min(bytes.size(), line.size() + 1));
    if (bv::security::verify_body({"secret"}, line, body, now)) BV_ASSERT(line.find("v1=") != line.npos);
    BV_ASSERT(bv::security::verify_body({"secret"}, bv::security::sign_body("secret", bytes, now), bytes, now));
}
