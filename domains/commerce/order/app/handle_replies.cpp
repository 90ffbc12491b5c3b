#include "domains/commerce/order/app/handle_replies.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "bitvelocity/commerce/inventory/v1/events.pb.h"
#include "bitvelocity/commerce/payment/v1/events.pb.h"
#include "domains/commerce/order/app/record.hpp"
#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::order {
namespace {

namespace inventory = ::bitvelocity::commerce::inventory::v1;
namespace payment = ::bitvelocity::commerce::payment::v1;
using answer = std::optional<std::pair<order_id, any_reply>>;

constexpr std::size_t max_detail = 500;

template <class Message>
Message parse(const bv::events::event& e) {
    Message m;
    if (!m.ParseFromString(e.payload)) throw failure(code::invalid_argument, "MALFORMED_EVENT", e.type + " " + e.id.str() + " cannot be parsed");
    return m;
}

answer about(const bv::events::event& e, const std::string& id, any_reply r) {
    const auto order = order_id::parse(id);
    if (!order) throw failure(code::invalid_argument, "MALFORMED_EVENT", e.type + " " + e.id.str() + " names no order");
    return std::pair{*order, std::move(r)};
}

template <class Message>
std::string describe(const Message& m) {
    std::string out;
    for (const auto& s : m.shortages()) {
        if (out.size() > max_detail) return out + "; …";
        out += fmt::format("{}{}: {} wanted, {} available", out.empty() ? "" : "; ", s.sku(), s.wanted(), s.available());
    }
    return out;
}

answer read_inventory(const bv::events::event& e) {
    const auto type = e.short_type();
    if (type == "StockReserved") return about(e, parse<inventory::StockReserved>(e).order_id(), reply::stock_reserved{});
    if (type == "StockRejected") {
        const auto m = parse<inventory::StockRejected>(e);
        return about(e, m.order_id(), reply::stock_rejected{describe(m)});
    }
    if (type == "StockCommitRejected") {
        const auto m = parse<inventory::StockCommitRejected>(e);
        return about(e, m.order_id(), reply::commit_rejected{describe(m)});
    }
    if (type == "StockReleased") return about(e, parse<inventory::StockReleased>(e).order_id(), reply::stock_released{});
    if (type == "ReservationExpired") return about(e, parse<inventory::ReservationExpired>(e).order_id(), reply::reservation_expired{});
    return std::nullopt;
}

answer read_payment(const bv::events::event& e) {
    const auto type = e.short_type();
    if (type == "PaymentAuthorised") {
        const auto m = parse<payment::PaymentAuthorised>(e);
        return about(e, m.order_id(), reply::payment_authorised{m.payment_id()});
    }
    if (type == "PaymentDeclined") {
        const auto m = parse<payment::PaymentDeclined>(e);
        return about(e, m.order_id(), reply::payment_declined{m.payment_id(), m.reason()});
    }
    if (type == "PaymentCaptured") {
        const auto m = parse<payment::PaymentCaptured>(e);
        return about(e, m.order_id(), reply::payment_captured{m.payment_id()});
    }
    if (type == "CaptureFailed") {
        const auto m = parse<payment::CaptureFailed>(e);
        return about(e, m.order_id(), reply::capture_failed{m.payment_id(), m.reason()});
    }
    if (type == "PaymentVoided") {
        const auto m = parse<payment::PaymentVoided>(e);
        return about(e, m.order_id(), reply::payment_voided{m.payment_id()});
    }
    if (type == "PaymentRefunded") {
        const auto m = parse<payment::PaymentRefunded>(e);
        return about(e, m.order_id(), reply::payment_refunded{m.payment_id(), m.refund_id(), m.amount().minor_units()});
    }
    return std::nullopt;
}

struct addressed {
    order_id id;
    any_reply what;
    const bv::events::event* source;
};

std::vector<addressed> read_all(std::span<const bv::events::event> events) {
    std::vector<addressed> out;
    for (const auto& e : events) {
        if (auto r = read_reply(e)) out.push_back({r->first, std::move(r->second), &e});
    }
    return out;
}

std::vector<order_id> ids_of(const std::vector<addressed>& replies) {
    std::vector<order_id> ids;
    for (const auto& r : replies) ids.push_back(r.id);
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    return ids;
}

}  // namespace

std::vector<std::string> inventory_reply_types() {
    const std::string package = "bitvelocity.commerce.inventory.v1.";
    return {package + "StockReserved", package + "StockRejected", package + "StockReleased", package + "ReservationExpired", package + "StockCommitRejected"};
}

std::vector<std::string> payment_reply_types() {
    const std::string package = "bitvelocity.commerce.payment.v1.";
    return {package + "PaymentAuthorised", package + "PaymentDeclined", package + "PaymentCaptured",
            package + "CaptureFailed",     package + "PaymentVoided",   package + "PaymentRefunded"};
}

answer read_reply(const bv::events::event& e) {
    if (e.type.starts_with("bitvelocity.commerce.inventory.v1.")) return read_inventory(e);
    if (e.type.starts_with("bitvelocity.commerce.payment.v1.")) return read_payment(e);
    return std::nullopt;
}

task<void> handle_replies(const environment& env, storage::unit_of_work& uow, std::span<const bv::events::event> events) {
    const auto replies = read_all(events);
    if (replies.empty()) co_return;
    auto ids = ids_of(replies);
    co_await env.streams.lock(uow, ids);
    std::unordered_map<order_id, order> orders;
    for (auto& o : co_await env.streams.load(uow, std::move(ids))) orders.emplace(o.id, std::move(o));

    std::vector<change> changes;
    const auto now = env.clock.now();
    for (const auto& r : replies) {
        const auto it = orders.find(r.id);
        if (it == orders.end()) {
            telemetry::warn("order.reply_without_order", {{"order_id", r.id.str()}, {"type", r.source->type}});
            continue;
        }
        auto d = decide(it->second, r.what);
        if (d.empty()) continue;
        changes.push_back(make_change(std::move(it->second), std::move(d), now, "service:" + r.source->source, r.source->traceparent));
        it->second = changes.back().after;
    }
    co_await record(env, uow, changes);
    count_outcomes(changes);
}

}  // namespace bv::order
