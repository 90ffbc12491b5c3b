#include "domains/commerce/notification/app/tell_buyers.hpp"

#include <map>

#include <fmt/format.h>

#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "platform/core/error.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::notification {

namespace orders = bitvelocity::commerce::order::v1;

namespace {

[[noreturn]] void malformed(const events::event& e, std::string_view what) {
    throw failure(code::invalid_argument, "MALFORMED_EVENT", fmt::format("{} {}: {}", e.type, e.id.str(), what));
}

template <class Id>
Id id_in(const events::event& e, const std::string& text, std::string_view field) {
    const auto id = Id::parse(text);
    if (!id) malformed(e, fmt::format("{} is not a UUID", field));
    return *id;
}

money amount_in(const events::event& e, const bitvelocity::type::v1::Money& m) {
    const auto c = currency::parse(m.currency());
    if (!c) malformed(e, fmt::format("\"{}\" is not a currency", m.currency()));
    return {m.minor_units(), *c};
}

cancel_reason reason_in(orders::CancelReason r) {
    return r >= orders::CANCEL_REASON_UNSPECIFIED && r <= orders::CANCEL_REASON_RESERVATION_EXPIRED ? static_cast<cancel_reason>(r)
                                                                                                   : cancel_reason::unspecified;
}

confirmed what_in(const events::event& e, const orders::OrderConfirmed& m) {
    return {amount_in(e, m.total()), m.has_ordered_at() ? rpc::to_time_point(m.ordered_at()) : e.time};
}
cancelled what_in(const events::event& e, const orders::OrderCancelled& m) { return {reason_in(m.reason()), m.detail(), amount_in(e, m.total())}; }
returned what_in(const events::event& e, const orders::OrderReturned& m) {
    if (m.return_id().empty()) malformed(e, "return_id is empty");
    returned out{m.return_id(), {}, amount_in(e, m.amount())};
    for (const auto& l : m.lines()) out.items.push_back({l.sku(), l.quantity()});
    return out;
}

template <class Message>
std::optional<outcome> read_as(const events::event& e) {
    if (e.type != Message::descriptor()->full_name()) return std::nullopt;
    Message m;
    if (!m.ParseFromString(e.payload)) malformed(e, "its payload is not of this type");
    return outcome{id_in<order_id>(e, m.order_id(), "order_id"), id_in<customer_id>(e, m.customer_id(), "customer_id"), e.time, what_in(e, m)};
}

outcome read(const events::event& e) {
    if (auto o = read_as<orders::OrderConfirmed>(e)) return std::move(*o);
    if (auto o = read_as<orders::OrderCancelled>(e)) return std::move(*o);
    if (auto o = read_as<orders::OrderReturned>(e)) return std::move(*o);
    malformed(e, "this consumer does not know the type");
}

}  // namespace

std::vector<std::string> tell_buyers::types() {
    return {orders::OrderConfirmed::descriptor()->full_name(), orders::OrderCancelled::descriptor()->full_name(),
            orders::OrderReturned::descriptor()->full_name()};
}

task<void> tell_buyers::operator()(storage::unit_of_work& uow, std::span<const events::event> batch) {
    std::vector<notice> notices;
    std::map<notice_id, std::string> traces;  // the mail belongs to its order's trace, whatever else is in the batch
    for (const auto& e : batch) traces.emplace(notices.emplace_back(tell(read(e))).id, e.traceparent);
    const auto added = co_await store_.add(uow, std::move(notices), clock_.now());
    if (added.empty()) co_return;
    std::vector<jobs::new_job> mails;
    for (const auto& id : added) mails.push_back({.id = id.value, .kind = std::string(deliver_mail_job), .traceparent = traces[id]});
    co_await jobs_.enqueue(uow, std::move(mails));
}

}  // namespace bv::notification
