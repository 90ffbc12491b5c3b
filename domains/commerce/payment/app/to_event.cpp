#include "bitvelocity/commerce/payment/v1/events.pb.h"
#include "domains/commerce/payment/app/plan.hpp"

namespace bv::payment {
namespace {

namespace pb = bitvelocity::commerce::payment::v1;

void set(bitvelocity::type::v1::Money& to, const money& from) {
    to.set_currency(std::string(from.currency.code()));
    to.set_minor_units(from.minor);
}

template <class Message>
Message about(const payment& p) {
    Message m;
    m.set_order_id(p.order.str());
    m.set_payment_id(p.id.str());
    return m;
}

auto message(const payment& p, const told::authorised& a) {
    auto m = about<pb::PaymentAuthorised>(p);
    set(*m.mutable_amount(), a.amount);
    return m;
}
auto message(const payment& p, const told::declined& a) {
    auto m = about<pb::PaymentDeclined>(p);
    m.set_reason(a.reason);
    return m;
}
auto message(const payment& p, const told::captured& a) {
    auto m = about<pb::PaymentCaptured>(p);
    set(*m.mutable_amount(), a.amount);
    return m;
}
auto message(const payment& p, const told::capture_failed& a) {
    auto m = about<pb::CaptureFailed>(p);
    m.set_reason(a.reason);
    return m;
}
auto message(const payment& p, const told::voided&) { return about<pb::PaymentVoided>(p); }
auto message(const payment& p, const told::refunded& a) {
    auto m = about<pb::PaymentRefunded>(p);
    m.set_refund_id(a.refund_id);
    set(*m.mutable_amount(), a.amount);
    return m;
}

}  // namespace

events::outgoing to_event(const payment& p, const announcement& a, uuid id, std::string_view traceparent) {
    return std::visit(
        [&](const auto& said) -> events::outgoing {
            const auto m = message(p, said);
            return {id, std::string(m.GetTypeName()), p.order.str(), m.SerializeAsString(), std::string(traceparent)};
        },
        a);
}

}  // namespace bv::payment
