#include "domains/commerce/order/app/project_orders.hpp"

#include <algorithm>

#include "domains/commerce/order/app/contract.hpp"

namespace bv::order {

sales sales_of(const order& o) noexcept {
    switch (o.status) {
        case status::confirmed:
        case status::returned: return {1, o.units() - o.returned_units(), o.total, o.returned_amount()};
        case status::none:
        case status::placed:
        case status::reserved:
        case status::authorised:
        case status::cancelled: break;
    }
    return {};
}

std::chrono::sys_days sales_day(const order& o) noexcept { return std::chrono::floor<std::chrono::days>(o.ordered_at); }

projected_order to_projection(const order& o) {
    projected_order out{o, sales_of(o), to_contract(o).SerializeAsString()};
    out.summary.lines.clear();
    return out;
}

std::vector<std::string> projected_types() {
    const std::string package = "bitvelocity.commerce.order.v1.";
    std::vector<std::string> types;
    // One of these goes with every decision that has messages; the rest are events that have none (outgoing_of).
    for (const auto* t : {"OrderPlaced", "PaymentRequested", "CaptureRequested", "OrderConfirmed", "OrderCancelled", "OrderReturned",
                          "StreamPaymentCaptured", "StreamStockReleased", "StreamPaymentVoided", "StreamPaymentRefunded"})
        types.push_back(package + t);
    return types;
}

task<void> project_orders(const environment& env, storage::unit_of_work& uow, std::span<const bv::events::event> events) {
    std::vector<order_id> ids;
    for (const auto& e : events) {
        if (const auto id = order_id::parse(e.key)) ids.push_back(*id);
    }
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    if (ids.empty()) co_return;
    // The streams are read once no other writer can be reading older ones.
    co_await env.projections.lock(uow);
    std::vector<projected_order> rows;
    for (const auto& o : co_await env.streams.load(uow, std::move(ids))) rows.push_back(to_projection(o));
    if (!rows.empty()) co_await env.projections.project(uow, std::move(rows));
}

}  // namespace bv::order
