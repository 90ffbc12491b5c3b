// API keys: "bvk_<id>_<secret><checksum>". The id finds the row; the secret has 256 bits and is stored as SHA-256 only; the
// checksum lets a scanner of leaked keys, and us, tell a mistyped key without a look-up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/uuid.hpp"
#include "platform/security/digest.hpp"

namespace bv::security {

struct new_api_key {
    std::string text;  // shown once, never stored
    digest hash{};     // what to store
};
[[nodiscard]] new_api_key mint_api_key(const uuid& id, rng& = system_rng());

struct parsed_api_key {
    uuid id{};
    digest hash{};     // of the presented secret
    // Compares in constant time.
    [[nodiscard]] bool matches(const digest& stored) const noexcept { return equal_in_constant_time(hash, stored); }
};
// nullopt when malformed or mistyped.
[[nodiscard]] std::optional<parsed_api_key> parse_api_key(std::string_view text);
// Whether a credential is meant to be an API key, for choosing between it and a token.
[[nodiscard]] inline bool looks_like_api_key(std::string_view text) noexcept { return text.starts_with("bvk_"); }

}  // namespace bv::security
