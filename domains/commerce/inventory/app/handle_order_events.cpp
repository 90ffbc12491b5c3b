#include "domains/commerce/inventory/app/handle_order_events.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "bitvelocity/commerce/inventory/v1/events.pb.h"
#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "platform/core/error.hpp"

namespace bv::inventory {

namespace orders = bitvelocity::commerce::order::v1;
namespace contract = bitvelocity::commerce::inventory::v1;

namespace {

[[noreturn]] void malformed(const events::event& e, std::string_view what) {
    throw failure(code::invalid_argument, "MALFORMED_EVENT", fmt::format("{} {}: {}", e.type, e.id.str(), what));
}

template <class Message>
Message parse(const events::event& e) {
    Message m;
    if (!m.ParseFromString(e.payload)) malformed(e, "its payload is not of this type");
    return m;
}

order_id id_of(const events::event& e, const std::string& text) {
    const auto id = order_id::parse(text);
    if (!id) malformed(e, "order_id is not a UUID");
    return *id;
}

order_step read(const events::event& e) {
    if (e.type == orders::OrderPlaced::descriptor()->full_name()) {
        const auto m = parse<orders::OrderPlaced>(e);
        placed out{id_of(e, m.order_id()), {}};
        for (const auto& l : m.lines()) {
            if (l.quantity() <= 0) malformed(e, "a line's quantity is not positive");
            out.lines.push_back({l.sku(), l.quantity(), 0});
        }
        return out;
    }
    if (e.type == orders::OrderConfirmed::descriptor()->full_name()) return confirmed{id_of(e, parse<orders::OrderConfirmed>(e).order_id())};
    if (e.type == orders::StockReleaseRequested::descriptor()->full_name())
        return release_requested{id_of(e, parse<orders::StockReleaseRequested>(e).order_id())};
    if (e.type == orders::OrderReturned::descriptor()->full_name()) {
        const auto m = parse<orders::OrderReturned>(e);
        returned out{id_of(e, m.order_id()), {}};
        for (const auto& l : m.lines()) out.lines.push_back({l.sku(), l.quantity(), 0});
        return out;
    }
    malformed(e, "this consumer does not know the type");
}

template <class Message>
events::outgoing announce(clock& c, rng& r, order_id order, const Message& m) {
    return {uuid::v7(c, r), Message::descriptor()->full_name(), order.str(), m.SerializeAsString()};
}

template <class Message>
events::outgoing announce(clock& c, rng& r, order_id order) {
    Message m;
    m.set_order_id(order.str());
    return announce(c, r, order, m);
}

// StockRejected or StockCommitRejected.
template <class Message>
events::outgoing rejection(clock& c, rng& r, order_id order, const std::vector<shortage>& shortages) {
    Message m;
    m.set_order_id(order.str());
    for (const auto& s : shortages) {
        auto* out = m.add_shortages();
        out->set_sku(s.sku);
        out->set_wanted(s.wanted);
        out->set_available(s.available);
    }
    return announce(c, r, order, m);
}

}  // namespace

order_event_handler::order_event_handler(stock_store& s, events::outbox& o, clock& c, rng& r, reservation_options options)
    : store_(s), outbox_(o), clock_(c), rng_(r), options_(options) {}

std::vector<std::string> order_event_handler::types() {
    return {orders::OrderPlaced::descriptor()->full_name(), orders::OrderConfirmed::descriptor()->full_name(),
            orders::StockReleaseRequested::descriptor()->full_name(), orders::OrderReturned::descriptor()->full_name()};
}

task<stock_book> order_event_handler::load(storage::unit_of_work& uow, std::vector<reservation> reservations,
                                           std::vector<std::string> skus) {
    stock_book book;
    for (auto& r : reservations) {
        for (const auto& l : r.lines) skus.push_back(l.sku);
        book.add_reservation(std::move(r));
    }
    std::ranges::sort(skus);
    skus.erase(std::ranges::unique(skus).begin(), skus.end());
    auto levels = co_await store_.lock_levels(uow, std::move(skus));
    for (auto& l : levels) book.add_level(std::move(l.sku), l.level);
    co_return book;
}

std::optional<events::outgoing> order_event_handler::take(stock_book& book, order_step& s, time_point expires_at) {
    if (auto* p = std::get_if<placed>(&s)) {
        std::vector<shortage> shortages;
        switch (book.reserve(p->order, std::move(p->lines), expires_at, shortages)) {
            case step::reserved: return announce<contract::StockReserved>(clock_, rng_, p->order);
            case step::rejected: return rejection<contract::StockRejected>(clock_, rng_, p->order, shortages);
            case step::nothing: case step::committed: case step::released: case step::expired: case step::restocked: return std::nullopt;
        }
    }
    if (const auto* c = std::get_if<confirmed>(&s)) {
        std::vector<shortage> shortages;
        const auto done = book.commit(c->order, shortages);
        if (done == step::committed) return announce<contract::StockCommitted>(clock_, rng_, c->order);
        if (done == step::rejected) return rejection<contract::StockCommitRejected>(clock_, rng_, c->order, shortages);
    } else if (const auto* r = std::get_if<release_requested>(&s)) {
        if (book.release(r->order) == step::released) return announce<contract::StockReleased>(clock_, rng_, r->order);
    } else if (const auto* back = std::get_if<returned>(&s)) {
        book.take_return(back->order, back->lines);
    }
    return std::nullopt;
}

task<void> order_event_handler::handle(storage::unit_of_work& uow, std::span<const events::event> batch) {
    std::vector<order_step> steps;
    std::vector<order_id> ids;
    std::vector<std::string> skus;
    for (const auto& e : batch) {
        steps.push_back(read(e));
        ids.push_back(std::visit([](const auto& s) { return s.order; }, steps.back()));
        if (const auto* p = std::get_if<placed>(&steps.back()))
            for (const auto& l : p->lines) skus.push_back(l.sku);
    }
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    auto reservations = co_await store_.lock_reservations(uow, std::move(ids));
    auto book = co_await load(uow, std::move(reservations), std::move(skus));

    const auto expires_at = clock_.now() + options_.hold;
    std::vector<events::outgoing> out;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (auto answer = take(book, steps[i], expires_at)) {
            answer->traceparent = batch[i].traceparent;  // a batch has one transaction, each of its events its own trace
            out.push_back(std::move(*answer));
        }
    }
    co_await store_.save(uow, book.level_changes(), book.changed_reservations());
    if (!out.empty()) co_await outbox_.append(uow, std::move(out));
}

task<int> order_event_handler::expire_due(storage::unit_of_work& uow, int limit) {
    const auto now = clock_.now();
    auto due = co_await store_.lock_due(uow, now, limit);
    if (due.empty()) co_return 0;
    std::vector<order_id> ids;
    for (const auto& r : due) ids.push_back(r.order);
    auto book = co_await load(uow, std::move(due), {});
    std::vector<events::outgoing> out;
    for (const auto id : ids)
        if (book.expire(id, now) == step::expired) out.push_back(announce<contract::ReservationExpired>(clock_, rng_, id));
    const int expired = static_cast<int>(out.size());
    co_await store_.save(uow, book.level_changes(), book.changed_reservations());
    if (!out.empty()) co_await outbox_.append(uow, std::move(out));
    co_return expired;
}

}  // namespace bv::inventory
