// Who is calling, from an access token or an API key: verified once, then remembered.
#pragma once

#include <memory>
#include <optional>

#include "domains/identity/app/signing_keys.hpp"
#include "domains/identity/app/use_cases.hpp"
#include "platform/rpc/authenticator.hpp"
#include "platform/security/token_verifier.hpp"
#include "platform/security/ttl_cache.hpp"

namespace bv::identity {

// Thread-safe. Access tokens are remembered until they expire, API keys for key_life: that long a key revoked by another
// process may go on, unless the event or the next look at the revocations comes first.
class caching_authenticator final : public rpc::authenticator {
public:
    struct options {
        std::size_t max_tokens = 16 * 1024;
        std::size_t max_keys = 4 * 1024;
        seconds key_life{30};
    };
    caching_authenticator(options, environment&, const security::key_ring&);

    task<result<rpc::principal>> bearer(std::string token) override;
    task<result<rpc::principal>> api_key(std::string key) override;
    [[nodiscard]] const security::token_verifier& verifier() const noexcept { return verifier_; }

private:
    struct known_key {
        std::optional<rpc::principal> who;  // none: it is no good
        std::string subject;
        time_point seen{};
    };
    using cached_key = std::shared_ptr<const known_key>;
    options options_;
    environment& env_;
    security::token_verifier verifier_;
    security::ttl_cache<cached_key> keys_;
};

}  // namespace bv::identity
