#include "domains/commerce/order/app/return_order.hpp"

#include "domains/commerce/order/app/change_order.hpp"

namespace bv::order {
namespace {

// The same reference or key, the same return; else a new one.
std::string return_id(const environment& env, const rpc::context& ctx, order_id id, const std::string& reference) {
    if (!reference.empty()) return uuid::named("order:" + id.str() + ":return:" + reference).str();
    if (!ctx.idempotency_key.empty())
        return uuid::named("order:" + id.str() + ":return-by:" + ctx.caller.actor() + ":" + ctx.idempotency_key).str();
    return uuid::v7(env.clock, env.rng).str();
}

}  // namespace

task<result<contract::Order>> return_order(const environment& env, rpc::context& ctx, contract::ReturnOrderRequest request) {
    const auto id = order_id::parse(request.id());
    if (!id) co_return invalid({{"id", "must be a UUID"}});
    return_lines command{return_id(env, ctx, *id, request.external_reference()), request.external_reference(), {}};
    for (const auto& l : request.lines()) command.lines.push_back({l.sku(), l.quantity()});
    decider decide_return = [command](const order& o) { return decide(o, command); };
    auto out = co_await change_order(env, ctx, *id, std::move(decide_return));
    if (!out) co_return std::unexpected(out.error());
    co_return to_contract(*out);
}

}  // namespace bv::order
