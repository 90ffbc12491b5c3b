// Who calls: by the credentials that a request shows. And how often an address may show wrong ones.
#pragma once

#include <cstdint>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/message.hpp"
#include "platform/resilience/rate_limit.hpp"
#include "platform/rpc/authenticator.hpp"

namespace bv::gateway {

// Thread-safe.
class callers {
public:
    // All outlive it; `among_all` may be null.
    callers(rpc::authenticator&, std::uint32_t wrong_per_minute, clock&, resilience::shared_limits* among_all);

    // Anonymous for a request without credentials. UNAUTHENTICATED for wrong ones; RESOURCE_EXHAUSTED "RATE_LIMITED" once its address has
    // shown too many, for all that were not found good before: then nobody is asked any more.
    task<result<rpc::principal>> find(const http::request&);

private:
    task<result<rpc::principal>> check(const http::request&);

    rpc::authenticator& authenticator_;
    clock& clock_;
    resilience::rate_limiter wrong_;  // by address
    resilience::shared_limits* const among_all_;
};

}  // namespace bv::gateway
