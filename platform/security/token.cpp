#include "platform/security/token.hpp"

#include "platform/security/encoding.hpp"

namespace bv::security {

opaque_token new_opaque_token(rng& random) {
    std::array<std::uint8_t, 32> bits;
    random.fill(bits);
    opaque_token out{.text = base64url(bits)};
    out.hash = hash_of_token(out.text);
    wipe(bits);
    return out;
}

digest hash_of_token(std::string_view text) { return sha256(text); }

}  // namespace bv::security
