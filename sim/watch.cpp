#include "sim/watch.hpp"

#include <fmt/format.h>

#include "domains/commerce/order/app/stream_codec.hpp"
#include "domains/commerce/order/model/decide.hpp"

namespace bv::sim {

void watch::look(outcome& out, steady_point now) {
    const auto commits = stores_.database.commits();
    if (commits != std::exchange(commits_, commits)) {
        look_at_stock(out);
        look_at_orders(out);
        look_at_operations(out, now);
    }
    if (!patience_) return;
    for (const auto& [key, since] : open_)
        if (now - since > *patience_)
            broken(out, "orders.final", key, fmt::format("has been open for {} s, and nothing goes wrong any more", patience_->count() / 1'000));
}

void watch::calm(steady_point now, milliseconds patience) {
    patience_ = patience;
    for (auto& [key, since] : open_) since = now;
}

void watch::broken(outcome& out, std::string_view invariant, std::string about, std::string what) {
    if (said_.insert(fmt::format("{} {}", invariant, about)).second) out.violations.push_back({std::string(invariant), std::move(about), std::move(what)});
}

// A level and the reservations that make it are written in one transaction.
void watch::look_at_stock(outcome& out) {
    std::map<std::string, inventory::stock_level> sums;
    stores_.stock.reservations.each_committed([&](const inventory::order_id&, const inventory::reservation& r) {
        for (const auto& l : r.lines) {
            if (r.status == inventory::reservation_status::held) sums[l.sku].reserved += l.quantity;
            if (r.status == inventory::reservation_status::committed) sums[l.sku].sold += l.quantity - l.returned;
        }
    });
    stores_.stock.levels.each_committed([&](const std::string& sku, const inventory::memory_stock::level_row& l) {
        const auto& sum = sums[sku];
        if (l.level.available() < 0 || l.level.reserved != sum.reserved || l.level.sold != sum.sold)
            broken(out, "stock.conserved", sku, fmt::format("for a while reserved {}, sold {}, available {}, and by reservations {}, {}", l.level.reserved,
                                                            l.level.sold, l.level.available(), sum.reserved, sum.sold));
    });
}

// Whoever waits for an answer that never comes is cancelled in time: so each step is written with its time-out.
void watch::look_at_orders(outcome& out) {
    stores_.orders.events.each_committed([&](const std::pair<order::order_id, std::int64_t>& key, const order::memory_orders::event_row& row) {
        auto& o = orders_[key.first];
        if (key.second == o.version + 1) o = order::evolve(std::move(o), order::decode(row.type, row.payload), row.at);
    });
    for (const auto& [id, o] : orders_) {
        const auto awaits = order::awaited(o);
        const auto* step = stores_.orders.sagas.committed(id);
        if (awaits != (step ? step->what : order::awaiting::nothing))
            broken(out, "orders.final", id.str(), fmt::format("waits for {}, and the time-out is armed for {}", order::name(awaits), order::name(step ? step->what : order::awaiting::nothing)));
    }
}

void watch::look_at_operations(outcome& out, steady_point now) {
    stores_.payments.operations.each_committed([&](const std::string& key, const payment::memory_books::operation_row& row) {
        if (row.b.state == payment::operation_state::done) {
            done_.insert(key);
            open_.erase(key);
            return;
        }
        open_.try_emplace(key, now);
        if (done_.contains(key)) broken(out, "payments.match_orders", key, "was done, and is not any more");
    });
}

}  // namespace bv::sim
