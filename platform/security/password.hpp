// Passwords as Argon2id (RFC 9106) in PHC strings: "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>".
// The cost is OWASP's: 19 MiB, two passes, one lane, some 30 ms of CPU. Call through password_hasher on a server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::security {

struct argon2_cost {
    std::uint32_t memory_kib = 19 * 1024;
    std::uint32_t passes = 2;
    std::uint32_t lanes = 1;
    friend bool operator==(const argon2_cost&, const argon2_cost&) = default;
};

// At most this long: hashing a megabyte would be a cheap way to keep the server busy. Longer ones are never right.
inline constexpr std::size_t max_password_bytes = 1024;

// Throws failure INVALID_ARGUMENT "PASSWORD_TOO_LONG", INTERNAL "PASSWORD_HASH_FAILED" when memory is short.
[[nodiscard]] std::string hash_password(std::string_view password, argon2_cost = {}, rng& = system_rng());
// False also for a malformed or absurdly expensive hash. In constant time where it matters.
[[nodiscard]] bool verify_password(std::string_view password, std::string_view encoded);
// Whether a hash was made at another cost (or is malformed): hash the password again at the next successful log-in.
[[nodiscard]] bool needs_rehash(std::string_view encoded, argon2_cost wanted = {}) noexcept;
// A valid hash of a password that nobody knows: verified against for an unknown user, so that the answer takes as long.
[[nodiscard]] const std::string& dummy_password_hash(argon2_cost = {});

}  // namespace bv::security
