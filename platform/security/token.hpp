// Opaque tokens: refresh tokens, e-mail confirmations. 256 random bits that only their holder knows; the store keeps a hash.
// A plain hash is enough where the secret has 256 bits of entropy: there is nothing to guess.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/security/digest.hpp"

namespace bv::security {

struct opaque_token {
    std::string text;  // 43 characters of base64url: given away once, never stored
    digest hash{};     // what to store and to look up by
};

[[nodiscard]] opaque_token new_opaque_token(rng& = system_rng());
// The hash to look a presented token up by; its shape is not checked, an unknown one is simply not found.
[[nodiscard]] digest hash_of_token(std::string_view text);

}  // namespace bv::security
