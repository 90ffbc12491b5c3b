#include "domains/commerce/order/app/contract.hpp"

#include "platform/core/error.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::order {
namespace {

constexpr std::int64_t micros_per_second = 1'000'000;

[[noreturn]] void corrupt(const std::string& what, const std::string& value) {
    throw failure(code::data_loss, "STREAM_CORRUPT", "not " + what + ": \"" + value + "\"");
}

}  // namespace

void set(google::protobuf::Timestamp& out, instant at) {
    const auto since = at.time_since_epoch().count();
    auto seconds = since / micros_per_second;
    auto micros = since % micros_per_second;
    if (micros < 0) {
        micros += micros_per_second;
        --seconds;
    }
    out.set_seconds(seconds);
    out.set_nanos(static_cast<std::int32_t>(micros * 1'000));
}

instant to_instant(const google::protobuf::Timestamp& t) noexcept { return rpc::to_time_point(t); }

void set(::bitvelocity::type::v1::Money& out, bv::currency currency, std::int64_t minor_units) {
    out.set_currency(std::string(currency.code()));
    out.set_minor_units(minor_units);
}

order_id parse_order_id(const std::string& text) {
    const auto id = order_id::parse(text);
    if (!id) corrupt("an order id", text);
    return *id;
}

customer_id parse_customer_id(const std::string& text) {
    const auto id = customer_id::parse(text);
    if (!id) corrupt("a customer id", text);
    return *id;
}

bv::currency parse_currency(const std::string& text) {
    const auto c = currency::parse(text);
    if (!c) corrupt("a currency", text);
    return *c;
}

contract::Order to_contract(const order& o, with_lines lines) {
    contract::Order out;
    out.set_id(o.id.str());
    out.set_customer_id(o.customer.str());
    out.set_status(static_cast<contract::OrderStatus>(o.status));
    if (lines == with_lines::yes) {
        out.mutable_lines()->Reserve(static_cast<int>(o.lines.size()));
        for (const auto& l : o.lines) {
            auto& to = *out.add_lines();
            to.set_sku(l.sku);
            to.set_name(l.name);
            to.set_quantity(l.quantity);
            set(*to.mutable_unit_price(), o.currency, l.unit_price);
            set(*to.mutable_amount(), o.currency, l.unit_price * l.quantity);
            to.set_returned_quantity(l.returned);
        }
    }
    set(*out.mutable_total(), o.currency, o.total);
    set(*out.mutable_refunded(), o.currency, o.refunded);
    out.set_cancel_reason(static_cast<contract::CancelReason>(o.reason));
    out.set_cancel_detail(o.cancel_detail);
    out.set_payment_id(o.payment_id);
    out.set_external_reference(o.external_reference);
    set(*out.mutable_ordered_at(), o.ordered_at);
    set(*out.mutable_create_time(), o.placed_at);
    set(*out.mutable_update_time(), o.updated_at);
    out.set_version(o.version);
    out.set_etag(std::to_string(o.version));
    return out;
}

contract::OrderPlaced to_contract(const order_placed& e) {
    contract::OrderPlaced out;
    out.set_order_id(e.id.str());
    out.set_customer_id(e.customer.str());
    out.mutable_lines()->Reserve(static_cast<int>(e.lines.size()));
    for (const auto& l : e.lines) {
        auto& to = *out.add_lines();
        to.set_sku(l.sku);
        to.set_name(l.name);
        to.set_quantity(l.quantity);
        to.set_unit_price_minor_units(l.unit_price);
    }
    set(*out.mutable_total(), e.currency, e.total);
    out.set_payment_method(e.payment_method);
    out.set_external_reference(e.external_reference);
    set(*out.mutable_ordered_at(), e.ordered_at);
    return out;
}

order_placed from_contract(const contract::OrderPlaced& m, std::string placed_by) {
    order_placed e;
    e.id = parse_order_id(m.order_id());
    e.customer = parse_customer_id(m.customer_id());
    e.lines.reserve(static_cast<std::size_t>(m.lines_size()));
    for (const auto& l : m.lines()) e.lines.push_back({l.sku(), l.name(), l.quantity(), l.unit_price_minor_units(), 0});
    e.currency = parse_currency(m.total().currency());
    e.total = m.total().minor_units();
    e.payment_method = m.payment_method();
    e.external_reference = m.external_reference();
    e.ordered_at = to_instant(m.ordered_at());
    e.placed_by = std::move(placed_by);
    return e;
}

}  // namespace bv::order
