// Reads one order: as it is, or as it was. Reads never go back in time and see the caller's own writes.
#pragma once

#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

// NOT_FOUND; INVALID_ARGUMENT (as_of is neither version nor time); OUT_OF_RANGE "VERSION_NOT_REACHED".
task<result<contract::Order>> get_order(const environment&, rpc::context&, contract::GetOrderRequest);

// The order's events, oldest first. NOT_FOUND; INVALID_ARGUMENT (page_token).
task<result<contract::ListOrderEventsResponse>> list_order_events(const environment&, rpc::context&, contract::ListOrderEventsRequest);

// The transaction of a read on the caller's behalf.
[[nodiscard]] storage::transaction_options read_options(const rpc::context&);

}  // namespace bv::order
