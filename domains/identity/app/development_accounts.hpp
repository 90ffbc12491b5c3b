// Accounts to try the platform with: made at the first start of a development stack.
#pragma once

#include <string>
#include <vector>

#include "domains/identity/app/environment.hpp"
#include "platform/security/secrets.hpp"

namespace bv::identity {

struct development_account {
    std::string name;    // "admin", "shopper", "auditor"; the keys "importer", "operator"
    std::string email;   // empty for a key
    std::string secret;  // the password, or the API key
    std::string secret_name;  // in the secrets: "dev.admin.password"
};

// Idempotent: what is in the secrets and in the table already stays. When the secret is gone the password is set anew.
task<std::vector<development_account>> ensure_development_accounts(environment&, security::secrets&);

}  // namespace bv::identity
