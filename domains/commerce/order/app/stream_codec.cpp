#include "domains/commerce/order/app/stream_codec.hpp"

#include <algorithm>

#include "bitvelocity/commerce/order/v1/stream.pb.h"
#include "domains/commerce/order/app/contract.hpp"
#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"

namespace bv::order {
namespace {

// A return whose refund the provider has confirmed is stored with this mark behind its id.
constexpr std::string_view refunded_mark = " refunded";

[[noreturn]] void corrupt(std::string_view type) {
    throw failure(code::data_loss, "STREAM_CORRUPT", "an event of type \"" + std::string(type) + "\" cannot be read");
}

struct encoder {
    std::string operator()(const order_placed& e) const {
        contract::StreamOrderPlaced m;
        *m.mutable_order() = to_contract(e);
        m.set_placed_by(e.placed_by);
        return m.SerializeAsString();
    }
    std::string operator()(const stock_reserved&) const { return {}; }
    std::string operator()(const payment_authorised& e) const {
        contract::StreamPaymentAuthorised m;
        m.set_payment_id(e.payment_id);
        return m.SerializeAsString();
    }
    std::string operator()(const payment_captured& e) const {
        contract::StreamPaymentCaptured m;
        m.set_payment_id(e.payment_id);
        return m.SerializeAsString();
    }
    std::string operator()(const order_confirmed&) const { return {}; }
    std::string operator()(const order_cancelled& e) const {
        contract::StreamOrderCancelled m;
        m.set_reason(static_cast<contract::CancelReason>(e.reason));
        m.set_detail(e.detail);
        return m.SerializeAsString();
    }
    std::string operator()(const order_returned& e) const {
        contract::StreamOrderReturned m;
        m.set_return_id(e.return_id);
        m.set_external_reference(e.external_reference);
        for (const auto& l : e.lines) {
            auto& to = *m.add_lines();
            to.set_sku(l.sku);
            to.set_quantity(l.quantity);
            to.set_unit_price_minor_units(l.unit_price);
        }
        m.set_amount_minor_units(e.amount);
        return m.SerializeAsString();
    }
    std::string operator()(const stock_released&) const { return {}; }
    std::string operator()(const payment_voided&) const { return {}; }
    std::string operator()(const payment_refunded& e) const {
        contract::StreamPaymentRefunded m;
        m.set_refund_id(e.refund_id);
        m.set_amount_minor_units(e.amount);
        return m.SerializeAsString();
    }
};

template <class Message>
Message parse(std::string_view type, std::string_view payload) {
    Message m;
    if (!m.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) corrupt(type);
    return m;
}

order_returned decode_returned(std::string_view type, std::string_view payload) {
    const auto m = parse<contract::StreamOrderReturned>(type, payload);
    order_returned e{m.return_id(), m.external_reference(), {}, m.amount_minor_units()};
    for (const auto& l : m.lines()) e.lines.push_back({l.sku(), l.quantity(), l.unit_price_minor_units()});
    return e;
}

}  // namespace

std::string encode(const event& e) { return std::visit(encoder{}, e); }

event decode(std::string_view type, std::string_view payload) {
    if (type == "OrderPlaced") {
        const auto m = parse<contract::StreamOrderPlaced>(type, payload);
        return from_contract(m.order(), m.placed_by());
    }
    if (type == "StockReserved") return stock_reserved{};
    if (type == "PaymentAuthorised") return payment_authorised{parse<contract::StreamPaymentAuthorised>(type, payload).payment_id()};
    if (type == "PaymentCaptured") return payment_captured{parse<contract::StreamPaymentCaptured>(type, payload).payment_id()};
    if (type == "OrderConfirmed") return order_confirmed{};
    if (type == "OrderCancelled") {
        const auto m = parse<contract::StreamOrderCancelled>(type, payload);
        return order_cancelled{static_cast<cancel_reason>(m.reason()), m.detail()};
    }
    if (type == "OrderReturned") return decode_returned(type, payload);
    if (type == "StockReleased") return stock_released{};
    if (type == "PaymentVoided") return payment_voided{};
    if (type == "PaymentRefunded") {
        const auto m = parse<contract::StreamPaymentRefunded>(type, payload);
        return payment_refunded{m.refund_id(), m.amount_minor_units()};
    }
    corrupt(type);
}

std::string stream_message_name(std::string_view type) { return "bitvelocity.commerce.order.v1.Stream" + std::string(type); }

bool can_snapshot(const order& o) noexcept { return o.status == status::confirmed || o.status == status::returned; }

std::string encode_snapshot(const order& o) {
    BV_ASSERT(can_snapshot(o));
    contract::OrderSnapshot m;
    *m.mutable_order() = to_contract(o);
    m.set_payment_method(o.payment_method);
    m.set_stock_held(o.stock_held);
    m.set_payment_open(o.payment_open);
    m.set_refunded_minor_units(o.refunded);
    for (const auto& r : o.returns) m.add_return_references(r.return_id + (r.refunded ? std::string(refunded_mark) : ""));
    set(*m.mutable_placed_at(), o.placed_at);
    return m.SerializeAsString();
}

order decode_snapshot(std::string_view payload) {
    const auto m = parse<contract::OrderSnapshot>("OrderSnapshot", payload);
    const auto& from = m.order();
    order o;
    o.id = parse_order_id(from.id());
    o.customer = parse_customer_id(from.customer_id());
    o.status = static_cast<status>(from.status());
    for (const auto& l : from.lines()) o.lines.push_back({l.sku(), l.name(), l.quantity(), l.unit_price().minor_units(), l.returned_quantity()});
    o.currency = parse_currency(from.total().currency());
    o.total = o.captured = from.total().minor_units();
    o.payment_method = m.payment_method();
    o.external_reference = from.external_reference();
    o.ordered_at = to_instant(from.ordered_at());
    o.placed_at = to_instant(m.placed_at());
    o.updated_at = to_instant(from.update_time());
    o.version = from.version();
    o.payment_id = from.payment_id();
    o.stock_held = m.stock_held();
    o.payment_open = m.payment_open();
    o.refunded = m.refunded_minor_units();
    for (const auto& r : m.return_references()) {
        const bool refunded = r.ends_with(refunded_mark);
        o.returns.push_back({refunded ? r.substr(0, r.size() - refunded_mark.size()) : r, refunded});
    }
    return o;
}

}  // namespace bv::order
