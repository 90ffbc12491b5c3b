#include "domains/commerce/order/adapters/api.hpp"

#include "domains/commerce/order/app/cancel_order.hpp"
#include "domains/commerce/order/app/get_order.hpp"
#include "domains/commerce/order/app/list_orders.hpp"
#include "domains/commerce/order/app/return_order.hpp"

namespace bv::order {

task<result<contract::Order>> api::place_order(rpc::context& ctx, contract::PlaceOrderRequest request) {
    if (auto admitted = door_.admit(); !admitted) co_return std::unexpected(admitted.error());
    auto prepared = co_await prepare_order(env_, products_, ctx, std::move(request));
    if (!prepared) co_return std::unexpected(prepared.error());
    const auto placed = co_await placing_.submit(std::move(*prepared), ctx.deadline);
    if (!placed) co_return std::unexpected(placed.error());
    ctx.etag = std::to_string(placed->version);
    co_return to_contract(*placed);
}

task<result<contract::Order>> api::get_order(rpc::context& ctx, contract::GetOrderRequest request) {
    co_return co_await bv::order::get_order(env_, ctx, std::move(request));
}

task<result<contract::ListOrdersResponse>> api::list_orders(rpc::context& ctx, contract::ListOrdersRequest request) {
    co_return co_await bv::order::list_orders(env_, ctx, std::move(request));
}

task<result<contract::Order>> api::cancel_order(rpc::context& ctx, contract::CancelOrderRequest request) {
    co_return co_await bv::order::cancel_order(env_, ctx, std::move(request));
}

task<result<contract::Order>> api::return_order(rpc::context& ctx, contract::ReturnOrderRequest request) {
    co_return co_await bv::order::return_order(env_, ctx, std::move(request));
}

task<result<contract::ListOrderEventsResponse>> api::list_order_events(rpc::context& ctx, contract::ListOrderEventsRequest request) {
    co_return co_await bv::order::list_order_events(env_, ctx, std::move(request));
}

task<result<contract::ListDailySalesResponse>> api::list_daily_sales(rpc::context& ctx, contract::ListDailySalesRequest request) {
    co_return co_await bv::order::list_daily_sales(env_, ctx, std::move(request));
}

}  // namespace bv::order
