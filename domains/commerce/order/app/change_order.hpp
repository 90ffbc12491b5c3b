// One command on one order: load, decide, record; again when somebody else was faster.
#pragma once

#include <functional>

#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

using decider = std::function<std::expected<decision, refusal>(const order&)>;

// On the caller's behalf. Honours If-Match. The order after it; NOT_FOUND, ABORTED "ETAG_MISMATCH", or the refusal.
task<result<order>> change_order(const environment&, rpc::context&, order_id, decider);

}  // namespace bv::order
