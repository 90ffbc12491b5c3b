#include "domains/commerce/order/adapters/contract_catalogue.hpp"

namespace bv::order {

task<result<std::vector<offer>>> contract_catalogue::find(rpc::context& ctx, std::vector<std::string> skus, bv::currency currency) {
    ::bitvelocity::commerce::product::v1::BatchGetProductsRequest request;
    for (auto& s : skus) request.add_skus(std::move(s));
    // The service's own call: what the catalogue shows does not depend on who orders.
    auto own = rpc::context::for_service("orders", ctx.trace);
    own.deadline = ctx.deadline;
    auto found = co_await client_.batch_get_products(own, std::move(request));
    if (!found) co_return std::unexpected(found.error());
    std::vector<offer> out;
    for (const auto& p : found->products()) {
        offer o{p.sku(), p.name(), p.on_sale(), std::nullopt};
        for (const auto& price : p.prices()) {
            if (price.currency() == currency.code()) o.unit_price = price.minor_units();
        }
        out.push_back(std::move(o));
    }
    co_return out;
}

}  // namespace bv::order
