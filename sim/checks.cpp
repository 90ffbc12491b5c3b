#include "sim/checks.hpp"

#include <map>

#include <fmt/format.h>

#include "domains/commerce/order/app/project_orders.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"

namespace bv::sim {
namespace {

using streams = std::map<order::order_id, std::vector<std::pair<order::event, order::instant>>>;

void check_streams(const stores& s, const streams& all, std::map<order::order_id, order::order>& orders, outcome& out) {
    for (const auto& [id, walk] : all) {
        order::order o;
        std::vector<order::event> events;
        for (const auto& [e, at] : walk) {
            ++out.transitions[fmt::format("{} → {}", order::name(o.status), order::type_name(e))];
            o = order::evolve(std::move(o), e, at);
            events.push_back(e);
        }
        if (!order::is_legal_walk(events)) out.violations.push_back({"streams.legal", id.str(), "is not what the state machine can produce"});
        if (!order::is_final(o.status)) out.violations.push_back({"orders.final", id.str(), fmt::format("is still {}", order::name(o.status))});
        if (o.awaits_release || o.awaits_void) out.violations.push_back({"orders.final", id.str(), "still waits for a compensation"});
        const auto* row = s.orders.projections.committed(id);
        if (!row || row->summary.version != o.version || row->document != order::to_projection(o).document)
            out.violations.push_back({"projections.fold", id.str(), "its read model is not the fold of its events"});
        orders.emplace(id, std::move(o));
    }
    out.orders = std::ssize(orders);
}

void check_stock(const stores& s, const std::map<order::order_id, order::order>& orders, outcome& out) {
    std::map<std::string, inventory::stock_level> sums;
    s.stock.receipts.each_committed([&](const auto&, const inventory::receipt& r) { sums[r.sku].received += r.quantity; });
    s.stock.reservations.each_committed([&](const inventory::order_id& id, const inventory::reservation& r) {
        const bool held = r.status == inventory::reservation_status::held, sold = r.status == inventory::reservation_status::committed;
        for (const auto& l : r.lines) {
            if (held) sums[l.sku].reserved += l.quantity;
            if (sold) sums[l.sku].sold += l.quantity - l.returned;
        }
        const auto o = orders.find({id.value});
        if (o == orders.end()) return out.violations.push_back({"stock.matches_orders", id.str(), "is reserved for an order that there is not"});
        const bool cancelled = o->second.status == order::status::cancelled;
        if (cancelled ? held || sold : !sold) out.violations.push_back({"stock.matches_orders", id.str(), fmt::format("is {}, its reservation has status {}", order::name(o->second.status), static_cast<int>(r.status))});
    });
    s.stock.levels.each_committed([&](const std::string& sku, const inventory::memory_stock::level_row& l) {
        if (l.level != sums[sku] || l.level.available() < 0) out.violations.push_back({"stock.conserved", sku, "its level is not the sum of receipts and reservations"});
    });
}

void check_money(const stores& s, const std::map<order::order_id, order::order>& orders, outcome& out) {
    std::map<uuid, std::int64_t> sums, net, at_provider;
    s.payments.entries.each_committed([&](std::int64_t, const payment::ledger_entry& e) {
        sums[e.transaction] += e.amount.minor;
        if (e.account == payment::account::provider_clearing) net[e.payment.value] += e.amount.minor;
    });
    for (const auto& [id, sum] : sums)
        if (sum != 0) out.violations.push_back({"ledger.balanced", id.str(), fmt::format("sums to {}", sum)});
    for (const auto* r : s.provider.list(0, 1'000'000, s.provider.last())) {
        const auto* op = s.payments.operations.committed(r->asked.key);
        if (!op || op->b.state != payment::operation_state::done || op->b.succeeded != r->done)
            out.violations.push_back({"provider.agrees", r->asked.key, "is not in our books as the provider has it"});
        if (!op || !r->done) continue;
        if (r->asked.operation == payment_provider::operation::capture) at_provider[op->b.op.payment.value] += r->asked.amount;
        if (r->asked.operation == payment_provider::operation::refund) at_provider[op->b.op.payment.value] -= r->asked.amount;
    }
    s.payments.operations.each_committed([&](const std::string& key, const payment::memory_books::operation_row& o) {
        if (o.b.state != payment::operation_state::done) out.violations.push_back({"orders.final", key, "is not done at the provider"});
    });
    for (const auto& [id, o] : orders) {
        const auto payment = payment::payment_of({id.value}).value;
        const auto due = o.status == order::status::cancelled ? 0 : o.total - o.returned_amount();
        if (net[payment] != due || at_provider[payment] != due)
            out.violations.push_back({"payments.match_orders", id.str(), fmt::format("{}: {} due, {} in the ledger, {} at the provider", order::name(o.status), due, net[payment], at_provider[payment])});
    }
}

}  // namespace

void check(const stores& s, outcome& out) {
    streams all;
    s.orders.events.each_committed([&](const std::pair<order::order_id, std::int64_t>& k, const order::memory_orders::event_row& r) {
        auto& walk = all[k.first];
        if (k.second != std::ssize(walk) + 1) out.violations.push_back({"streams.legal", k.first.str(), "has a gap"});
        walk.emplace_back(order::decode(r.type, r.payload), r.at);
    });
    std::map<order::order_id, order::order> orders;
    check_streams(s, all, orders, out);
    check_stock(s, orders, out);
    check_money(s, orders, out);
    s.orders.sagas.each_committed([&](const order::order_id& id, const order::saga_step&) { out.violations.push_back({"orders.final", id.str(), "its saga still waits"}); });
    if (s.database.open_transactions() != 0) out.violations.push_back({"nothing.left", "database", "a transaction is open"});
}

}  // namespace bv::sim
