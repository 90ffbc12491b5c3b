// The database's schemas and roles, as this version of the services needs them.
#pragma once

#include "platform/runtime/runtime.hpp"
#include "platform/security/secrets.hpp"
#include "platform/storage/postgres/cluster.hpp"

namespace bv::stack {

// Blocks. How many migrations were applied. Passwords of the services' database roles are made where there are none. Throws what
// pg::migrate throws.
int migrate(bv::runtime&, const pg::cluster&, security::secrets&);

}  // namespace bv::stack
