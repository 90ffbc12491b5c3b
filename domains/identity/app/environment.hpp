// What the use cases work with. Outlives every call.
#pragma once

#include <string>

#include "domains/identity/app/issue_tokens.hpp"
#include "domains/identity/app/ports.hpp"
#include "platform/core/clock.hpp"
#include "platform/events/outbox.hpp"
#include "platform/rpc/context.hpp"
#include "platform/security/password_hasher.hpp"
#include "platform/security/token_verifier.hpp"

namespace bv::identity {

struct settings {
    throttle_policy per_account{};
    // An address may be that of many people: more is free, and it is forgotten sooner.
    throttle_policy per_address{.free_attempts = 100, .first_delay = milliseconds(1'000), .max_delay = milliseconds(5 * 60'000), .forget = seconds(15 * 60)};
    seconds refresh_life{30 * 24 * 3600};  // from the last refresh
};

// Who found an API key good just before it was revoked may still be trading it for an access token. As no token of a revoked key is ever
// good, those issued for this long after are called back with the others.
inline constexpr seconds still_traded{60};

struct environment {
    storage::transactor& transactor;
    account_store& accounts;
    session_store& sessions;
    api_key_store& keys;
    throttle_store& throttle;
    revocation_store& revocations;
    events::outbox& outbox;
    security::password_hasher& hasher;
    token_issuer& tokens;
    security::revocations& revoked;  // of this process
    bv::clock& clock;
    bv::rng& rng;
    identity::settings settings;
};

// On behalf of the caller, over rows that are not the caller's yet (signing in) or of many.
[[nodiscard]] storage::transaction_options as_platform(const rpc::context&);
// The same for one who is known by now.
[[nodiscard]] storage::transaction_options as_account(const rpc::context&, account_id);
// Row-level security lets the caller see itself, and everybody with accounts.admin.
[[nodiscard]] storage::transaction_options as_caller(const rpc::context&);

}  // namespace bv::identity
