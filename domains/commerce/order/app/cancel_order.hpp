// Cancels an order: what is held is released, what is authorised is voided, what was paid is refunded.
#pragma once

#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

// NOT_FOUND, FAILED_PRECONDITION (returned, or has returns), ABORTED "ETAG_MISMATCH".
task<result<contract::Order>> cancel_order(const environment&, rpc::context&, contract::CancelOrderRequest);

}  // namespace bv::order
