#include "domains/commerce/payment/app/handle_order_events.hpp"

#include <optional>
#include <set>
#include <variant>

#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "domains/commerce/payment/app/plan.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::payment {
namespace {

namespace pb = bitvelocity::commerce::order::v1;

struct asked {
    order_id order;
    std::variant<payment_request, request> what;
    const events::event* event = nullptr;
};

[[noreturn]] void malformed(const events::event& e, std::string_view what) {
    throw failure(code::data_loss, "MALFORMED_EVENT",
                  std::string(e.short_type()) + " " + e.id.str() + " cannot be read: " + std::string(what));
}

template <class Message>
Message read(const events::event& e) {
    Message m;
    if (!m.ParseFromString(e.payload)) malformed(e, "its payload is not a " + m.GetTypeName());
    return m;
}

template <class Id>
Id id(const events::event& e, const std::string& text) {
    const auto parsed = Id::parse(text);
    if (!parsed) malformed(e, "an id is no UUID");
    return *parsed;
}

money amount(const events::event& e, const bitvelocity::type::v1::Money& m) {
    const auto c = currency::parse(m.currency());
    if (!c) malformed(e, "its currency is not known");
    return {m.minor_units(), *c};
}

std::optional<asked> read_request(const events::event& e) {
    const auto type = e.short_type();
    if (type == "PaymentRequested") {
        const auto m = read<pb::PaymentRequested>(e);
        const auto order = id<order_id>(e, m.order_id());
        return asked{order, payment_request{order, id<customer_id>(e, m.customer_id()), amount(e, m.amount()), m.payment_method()}, &e};
    }
    if (type == "CaptureRequested") {
        const auto m = read<pb::CaptureRequested>(e);
        return asked{id<order_id>(e, m.order_id()), request{capture_request{amount(e, m.amount())}}, &e};
    }
    if (type == "VoidRequested") {
        const auto m = read<pb::VoidRequested>(e);
        return asked{id<order_id>(e, m.order_id()), request{void_request{}}, &e};
    }
    if (type == "RefundRequested") {
        const auto m = read<pb::RefundRequested>(e);
        if (m.refund_id().empty()) malformed(e, "refund_id is empty");
        return asked{id<order_id>(e, m.order_id()), request{refund_request{m.refund_id(), amount(e, m.amount())}}, &e};
    }
    return std::nullopt;
}

void log_ignored(const asked& a, std::string_view why) {
    telemetry::info("payment.request_ignored", {{"type", a.event->short_type()}, {"order_id", a.order.str()}, {"reason", why}},
                    telemetry::span_context::parse(a.event->traceparent));
}

void take(plan& p, const asked& a) {
    const auto* known = p.find(payment_of(a.order));
    decision d;
    if (const auto* start = std::get_if<payment_request>(&a.what)) {
        if (known) return log_ignored(a, "the order has a payment already");
        d = open(*start);
    } else if (const auto& r = std::get<request>(a.what); known) {
        d = decide(*known, r);
    } else if (std::holds_alternative<void_request>(r)) {
        d = void_unseen(a.order);
    } else {
        return log_ignored(a, "the order has no payment");
    }
    if (!d.ignored.empty()) log_ignored(a, d.ignored);
    p.take(d, a.event->traceparent);
}

}  // namespace

std::vector<std::string> handle_order_events::types() {
    return {std::string(pb::PaymentRequested::descriptor()->full_name()), std::string(pb::CaptureRequested::descriptor()->full_name()),
            std::string(pb::VoidRequested::descriptor()->full_name()), std::string(pb::RefundRequested::descriptor()->full_name())};
}

task<void> handle_order_events::operator()(storage::unit_of_work& uow, std::span<const events::event> batch) {
    std::vector<asked> requests;
    std::set<payment_id> ids;
    for (const auto& e : batch) {
        if (auto a = read_request(e)) {
            ids.insert(payment_of(a->order));
            requests.push_back(std::move(*a));
        }
    }
    if (requests.empty()) co_return;
    const auto now = clock_.now();
    auto locked = co_await store_.lock(uow, {ids.begin(), ids.end()});
    plan p(std::move(locked), now, clock_, rng_);
    for (const auto& a : requests) take(p, a);
    auto [writes, told] = std::move(p).finish();
    handover_.lease(writes, now);
    co_await store_.save(uow, writes, now);
    if (!told.empty()) co_await outbox_.append(uow, std::move(told));
}

}  // namespace bv::payment
