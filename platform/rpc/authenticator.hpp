// Who is calling: what the edge asks of the identity service for every request that carries credentials.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/rpc/context.hpp"

namespace bv::rpc {

// Thread-safe and quick: a credential seen before costs no signature check and no query.
class authenticator {
public:
    virtual ~authenticator() = default;
    // An access token as in "Authorization: Bearer …". UNAUTHENTICATED when it is malformed, forged, expired or revoked.
    virtual task<result<principal>> bearer(std::string token) = 0;
    // An API key as in "X-Api-Key: …". UNAUTHENTICATED when it is malformed, unknown, expired or revoked.
    virtual task<result<principal>> api_key(std::string key) = 0;
    // Whether it is a token or key that was found good before: who shows one guesses nothing.
    [[nodiscard]] virtual bool is_known(std::string_view credential) = 0;
};

}  // namespace bv::rpc
