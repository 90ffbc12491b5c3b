// Lists of orders and of sales, from the read models.
#pragma once

#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

// Newest first. With an external reference: the orders that have it, as they are this moment, so that an importer finds what
// it placed a moment ago. INVALID_ARGUMENT (page_token), PERMISSION_DENIED naming orders.read.any.
task<result<contract::ListOrdersResponse>> list_orders(const environment&, rpc::context&, contract::ListOrdersRequest);

// By day, then currency. INVALID_ARGUMENT (days, page_token).
task<result<contract::ListDailySalesResponse>> list_daily_sales(const environment&, rpc::context&, contract::ListDailySalesRequest);

}  // namespace bv::order
