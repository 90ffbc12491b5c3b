// OAuth 2.0 for programs: the token endpoint (RFC 6749), its metadata (RFC 8414), the public keys (RFC 7517).
#pragma once

#include <vector>

#include "domains/identity/app/use_cases.hpp"
#include "platform/rpc/raw_route.hpp"

namespace bv::identity {

// The environment and the ring outlive the routes.
//   POST /oauth2/token                             client_credentials with an API key (its id and itself), refresh_token
//   GET  /.well-known/jwks.json
//   GET  /.well-known/oauth-authorization-server
[[nodiscard]] std::vector<rpc::raw_route> oauth_routes(environment&, const security::key_ring&);

}  // namespace bv::identity
