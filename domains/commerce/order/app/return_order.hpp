// Returns lines of a confirmed order: inventory puts them back, payment refunds them.
#pragma once

#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

// A second return with the same external reference, or under the same Idempotency-Key, changes nothing.
// NOT_FOUND, INVALID_ARGUMENT (unknown line), FAILED_PRECONDITION (not confirmed, more than is left).
task<result<contract::Order>> return_order(const environment&, rpc::context&, contract::ReturnOrderRequest);

}  // namespace bv::order
