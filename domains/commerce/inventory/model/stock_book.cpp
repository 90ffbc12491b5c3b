#include "domains/commerce/inventory/model/stock_book.hpp"

#include <algorithm>

#include "platform/core/assert.hpp"

namespace bv::inventory {

namespace {

constexpr std::size_t most_shortages = 20;

std::vector<reserved_line> merged(std::vector<reserved_line> lines) {
    std::ranges::sort(lines, {}, &reserved_line::sku);
    std::vector<reserved_line> out;
    for (auto& line : lines) {
        if (!out.empty() && out.back().sku == line.sku) out.back().quantity += line.quantity;
        else out.push_back(std::move(line));
    }
    return out;
}

}  // namespace

void stock_book::add_level(std::string sku, stock_level l) {
    BV_ASSERT(l.available() >= 0);
    levels_[std::move(sku)] = {l, l};
}

void stock_book::add_reservation(reservation r) {
    const auto id = r.order;
    reservations_[id] = {std::move(r), false};
}

step stock_book::reserve(order_id id, std::vector<reserved_line> lines, time_point expires_at, std::vector<shortage>& shortages) {
    if (reservations_.contains(id)) return step::nothing;
    lines = merged(std::move(lines));
    const bool short_of_stock = is_short(lines, shortages);
    if (!short_of_stock)
        for (const auto& line : lines) levels_[line.sku].now.reserved += line.quantity;
    reservations_[id] = {{id, short_of_stock ? reservation_status::rejected : reservation_status::held, std::move(lines), expires_at, true}, true};
    return short_of_stock ? step::rejected : step::reserved;
}

bool stock_book::is_short(const std::vector<reserved_line>& lines, std::vector<shortage>& shortages) {
    bool any = false;
    for (const auto& line : lines) {
        BV_ASSERT(line.quantity > 0);
        const auto available = levels_[line.sku].now.available();
        if (available >= line.quantity) continue;
        any = true;
        if (shortages.size() < most_shortages) shortages.push_back({line.sku, line.quantity, available});
    }
    return any;
}

step stock_book::commit(order_id id, std::vector<shortage>& shortages) {
    const auto it = reservations_.find(id);
    if (it == reservations_.end()) return step::nothing;
    auto& r = it->second.value;
    const bool held = r.status == reservation_status::held;
    if (!held && r.status != reservation_status::expired) return step::nothing;
    it->second.changed = true;
    if (!held && is_short(r.lines, shortages)) {
        r.status = reservation_status::rejected;
        return step::rejected;
    }
    for (const auto& line : r.lines) {
        auto& level = levels_[line.sku].now;
        if (held) level.reserved -= line.quantity;
        level.sold += line.quantity;
        BV_ASSERT(level.reserved >= 0 && level.available() >= 0);
    }
    r.status = reservation_status::committed;
    return step::committed;
}

step stock_book::give_back(order_id id, reservation_status to) {
    auto& entry = reservations_.at(id);
    for (const auto& line : entry.value.lines) {
        auto& level = levels_[line.sku].now;
        if (entry.value.status == reservation_status::held) level.reserved -= line.quantity;
        else level.sold -= line.quantity - line.returned;
        BV_ASSERT(level.reserved >= 0 && level.sold >= 0);
    }
    entry.value.status = to;
    entry.changed = true;
    return to == reservation_status::expired ? step::expired : step::released;
}

step stock_book::release(order_id id) {
    const auto* r = find(id);
    if (!r || (r->status != reservation_status::held && r->status != reservation_status::committed)) return step::nothing;
    return give_back(id, reservation_status::released);
}

step stock_book::expire(order_id id, time_point now) {
    const auto* r = find(id);
    if (!r || r->status != reservation_status::held || r->expires_at > now) return step::nothing;
    return give_back(id, reservation_status::expired);
}

step stock_book::take_return(order_id id, std::span<const reserved_line> lines) {
    const auto it = reservations_.find(id);
    if (it == reservations_.end() || it->second.value.status != reservation_status::committed) return step::nothing;
    bool any = false;
    for (const auto& back : lines) {
        const auto line = std::ranges::find(it->second.value.lines, back.sku, &reserved_line::sku);
        if (line == it->second.value.lines.end()) continue;
        const auto quantity = std::min(back.quantity, line->quantity - line->returned);
        if (quantity <= 0) continue;
        line->returned += quantity;
        auto& level = levels_[back.sku].now;
        level.sold -= quantity;
        BV_ASSERT(level.sold >= 0);
        any = true;
    }
    it->second.changed |= any;
    return any ? step::restocked : step::nothing;
}

std::vector<stock_book::level_change> stock_book::level_changes() const {
    std::vector<level_change> out;
    for (const auto& [sku, e] : levels_)
        if (e.before != e.now) out.push_back({sku, e.now.reserved - e.before.reserved, e.now.sold - e.before.sold});
    std::ranges::sort(out, {}, &level_change::sku);
    return out;
}

std::vector<reservation> stock_book::changed_reservations() const {
    std::vector<reservation> out;
    for (const auto& [id, e] : reservations_)
        if (e.changed) out.push_back(e.value);
    std::ranges::sort(out, {}, &reservation::order);
    return out;
}

stock_level stock_book::level(const std::string& sku) const {
    const auto it = levels_.find(sku);
    return it == levels_.end() ? stock_level{} : it->second.now;
}

const reservation* stock_book::find(order_id id) const {
    const auto it = reservations_.find(id);
    return it == reservations_.end() ? nullptr : &it->second.value;
}

}  // namespace bv::inventory
