// Certificates of services from Vault's PKI, in place of the platform's own authority.
#pragma once

#include "platform/security/certificate_authority.hpp"
#include "platform/security/vault/client.hpp"

namespace bv::vault {

// From the role `from.name` of the engine at `from.mount`, with a key that Vault makes and does not keep. Blocks. Throws failure: what
// client::call gives as an error; FAILED_PRECONDITION "VAULT_CERTIFICATE" when what was issued is not what was asked for.
[[nodiscard]] security::svid issue(client&, const place& from, const security::spiffe_id&, time_point now, seconds life);

}  // namespace bv::vault
