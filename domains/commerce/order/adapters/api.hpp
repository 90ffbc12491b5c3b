// The contract's OrderService over the use cases.
#pragma once

#include "bitvelocity/commerce/order/v1/order.bv.hpp"
#include "domains/commerce/order/app/admission.hpp"
#include "domains/commerce/order/app/place_order.hpp"
#include "platform/runtime/batcher.hpp"

namespace bv::order {

class api final : public contract::order_service {
public:
    using place_batcher = batcher<placement, order>;

    api(const environment& env, catalogue& products, place_batcher& placing, admission& door)
        : env_(env), products_(products), placing_(placing), door_(door) {}

    task<result<contract::Order>> place_order(rpc::context&, contract::PlaceOrderRequest) override;
    task<result<contract::Order>> get_order(rpc::context&, contract::GetOrderRequest) override;
    task<result<contract::ListOrdersResponse>> list_orders(rpc::context&, contract::ListOrdersRequest) override;
    task<result<contract::Order>> cancel_order(rpc::context&, contract::CancelOrderRequest) override;
    task<result<contract::Order>> return_order(rpc::context&, contract::ReturnOrderRequest) override;
    task<result<contract::ListOrderEventsResponse>> list_order_events(rpc::context&, contract::ListOrderEventsRequest) override;
    task<result<contract::ListDailySalesResponse>> list_daily_sales(rpc::context&, contract::ListDailySalesRequest) override;

private:
    const environment& env_;
    catalogue& products_;
    place_batcher& placing_;
    admission& door_;
};

}  // namespace bv::order
