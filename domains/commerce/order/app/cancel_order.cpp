#include "domains/commerce/order/app/cancel_order.hpp"

#include "domains/commerce/order/app/change_order.hpp"

namespace bv::order {

task<result<contract::Order>> cancel_order(const environment& env, rpc::context& ctx, contract::CancelOrderRequest request) {
    const auto id = order_id::parse(request.id());
    if (!id) co_return invalid({{"id", "must be a UUID"}});
    const cancel command{request.note()};
    decider decide_cancel = [command](const order& o) { return decide(o, command); };
    auto out = co_await change_order(env, ctx, *id, std::move(decide_cancel));
    if (!out) co_return std::unexpected(out.error());
    co_return to_contract(*out);
}

}  // namespace bv::order
