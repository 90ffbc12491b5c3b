// Who is calling, from an access token or an API key: verified once, then remembered.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "platform/core/clock.hpp"
#include "platform/rpc/authenticator.hpp"
#include "platform/security/key_ring.hpp"
#include "platform/security/token_verifier.hpp"
#include "platform/security/ttl_cache.hpp"

namespace bv::rpc {

// What is known of a good API key.
struct known_api_key {
    uuid id{};
    std::vector<std::string> roles;
    std::optional<time_point> expires_at{};
};
// Looks a well-formed key up. UNAUTHENTICATED when it is no good; any other error, and what it throws, says nothing of the key.
using api_key_check = std::function<task<result<known_api_key>>(std::string key)>;

// Thread-safe. Access tokens are remembered until they expire, API keys for key_life: that long a key revoked by another
// process may go on, unless the event or the next look at the revocations comes first.
class caching_authenticator final : public authenticator {
public:
    struct options {
        security::token_expectation expected;
        std::size_t max_tokens = 16 * 1024;
        std::size_t max_keys = 4 * 1024;
        seconds key_life{30};
    };
    // Ring, revocations and clock outlive it.
    caching_authenticator(options, const security::key_ring&, const security::revocations&, const clock&, api_key_check);

    task<result<principal>> bearer(std::string token) override;
    task<result<principal>> api_key(std::string key) override;
    [[nodiscard]] bool is_known(std::string_view credential) override;

private:
    struct known_key {
        std::optional<principal> who;  // none: it is no good
        std::string subject;
        time_point seen{};
    };
    using cached_key = std::shared_ptr<const known_key>;
    options options_;
    const security::revocations& revoked_;
    const clock& clock_;
    api_key_check check_;
    security::token_verifier verifier_;
    security::ttl_cache<cached_key> keys_;
};

}  // namespace bv::rpc
