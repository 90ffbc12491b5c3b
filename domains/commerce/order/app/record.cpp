#include "domains/commerce/order/app/record.hpp"

#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::order {
namespace {

// The contract message of a decision's message, serialized.
struct serializer {
    const order& o;

    std::string operator()(const order_placed& m) const { return to_contract(m).SerializeAsString(); }
    std::string operator()(const payment_requested&) const {
        contract::PaymentRequested out;
        out.set_order_id(o.id.str());
        out.set_customer_id(o.customer.str());
        set(*out.mutable_amount(), o.currency, o.total);
        out.set_payment_method(o.payment_method);
        return out.SerializeAsString();
    }
    std::string operator()(const capture_requested& m) const {
        contract::CaptureRequested out;
        out.set_order_id(o.id.str());
        out.set_payment_id(m.payment_id);
        set(*out.mutable_amount(), o.currency, o.total);
        return out.SerializeAsString();
    }
    std::string operator()(const stock_release_requested&) const {
        contract::StockReleaseRequested out;
        out.set_order_id(o.id.str());
        return out.SerializeAsString();
    }
    std::string operator()(const void_requested&) const {
        contract::VoidRequested out;
        out.set_order_id(o.id.str());
        return out.SerializeAsString();
    }
    std::string operator()(const refund_requested& m) const {
        contract::RefundRequested out;
        out.set_order_id(o.id.str());
        out.set_refund_id(m.refund_id);
        set(*out.mutable_amount(), o.currency, m.amount);
        return out.SerializeAsString();
    }
    std::string operator()(const order_confirmed&) const {
        contract::OrderConfirmed out;
        out.set_order_id(o.id.str());
        out.set_customer_id(o.customer.str());
        set(*out.mutable_total(), o.currency, o.total);
        set(*out.mutable_ordered_at(), o.ordered_at);
        return out.SerializeAsString();
    }
    std::string operator()(const order_cancelled& m) const {
        contract::OrderCancelled out;
        out.set_order_id(o.id.str());
        out.set_customer_id(o.customer.str());
        out.set_reason(static_cast<contract::CancelReason>(m.reason));
        out.set_detail(m.detail);
        set(*out.mutable_total(), o.currency, o.total);
        return out.SerializeAsString();
    }
    std::string operator()(const order_returned& m) const {
        contract::OrderReturned out;
        out.set_order_id(o.id.str());
        out.set_customer_id(o.customer.str());
        out.set_return_id(m.return_id);
        for (const auto& l : m.lines) {
            auto& to = *out.add_lines();
            to.set_sku(l.sku);
            to.set_quantity(l.quantity);
            to.set_unit_price_minor_units(l.unit_price);
        }
        set(*out.mutable_amount(), o.currency, m.amount);
        return out.SerializeAsString();
    }
};

instant deadline(const saga_times& times, awaiting what, instant from) {
    switch (what) {
        case awaiting::nothing: return from;
        case awaiting::stock: return from + times.stock;
        case awaiting::authorisation: return from + times.authorisation;
        case awaiting::capture: return from + times.capture;
    }
    return from;
}

bool passed_snapshot(const change& c) {
    return can_snapshot(c.after) && c.before.version / snapshot_every != c.after.version / snapshot_every;
}

append_entry to_entry(const change& c) {
    append_entry e{c.after.id, c.after.customer, c.before.version, c.what.events, c.after.updated_at, c.actor, c.traceparent, {}};
    if (passed_snapshot(c)) e.snapshot = c.after;
    return e;
}

}  // namespace

change make_change(order before, decision d, instant at, std::string actor, std::string traceparent) {
    order after = apply(before, d, at);
    return {std::move(before), std::move(after), std::move(d), std::move(actor), std::move(traceparent)};
}

std::vector<bv::events::outgoing> outgoing_of(const change& c, const bv::clock& clock, bv::rng& rng) {
    std::vector<bv::events::outgoing> out;
    const auto add = [&](std::string type, std::string payload) {
        out.push_back({uuid::v7(clock, rng), std::move(type), c.after.id.str(), std::move(payload), c.traceparent});
    };
    for (const auto& m : c.what.messages)
        add("bitvelocity.commerce.order.v1." + std::string(type_name(m)), std::visit(serializer{c.after}, m));
    if (out.empty() && !c.what.events.empty()) {
        const auto& last = c.what.events.back();
        add(stream_message_name(type_name(last)), encode(last));
    }
    return out;
}

task<void> record(const environment& env, storage::unit_of_work& uow, std::vector<change> changes) {
    std::vector<append_entry> entries;
    std::vector<bv::events::outgoing> messages;
    std::vector<saga_step> steps;
    for (const auto& c : changes) {
        if (c.what.events.empty()) continue;
        entries.push_back(to_entry(c));
        for (auto& m : outgoing_of(c, env.clock, env.rng)) messages.push_back(std::move(m));
        const auto now = awaited(c.after);
        if (now != awaited(c.before)) steps.push_back({c.after.id, now, deadline(env.times, now, c.after.updated_at)});
    }
    if (entries.empty()) co_return;
    // The append comes first: positions in the outbox are drawn once the stream is known to be ours.
    co_await env.streams.append(uow, std::move(entries));
    co_await env.outbox.append(uow, std::move(messages));
    if (!steps.empty()) co_await env.sagas.save(uow, std::move(steps));
}

void count_outcomes(const std::vector<change>& changes) {
    static auto& duration = telemetry::time("bv_saga_duration_seconds", "From an order's placing to its confirmation or cancellation");
    for (const auto& c : changes) {
        const bool running = c.before.exists() && !is_final(c.before.status);
        if (!running || !is_final(c.after.status)) continue;
        const auto outcome = c.after.status == status::cancelled ? name(c.after.reason) : name(c.after.status);
        telemetry::count("bv_saga_outcomes_total", "Order sagas that ended, by outcome", {{"outcome", outcome}}).add();
        if (c.after.status == status::confirmed)
            telemetry::count("bv_orders_sold_minor_units_total", "Totals of orders that were confirmed", {{"currency", c.after.currency.code()}})
                .add(static_cast<std::uint64_t>(c.after.total));
        duration.observe(std::chrono::duration<double>(c.after.updated_at - c.after.placed_at).count());
    }
}

}  // namespace bv::order
