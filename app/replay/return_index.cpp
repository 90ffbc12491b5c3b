#include "app/replay/return_index.hpp"

#include <algorithm>

#include "platform/core/assert.hpp"

namespace bv::replay {

namespace {

void put(return_match& m, order_slot order, taken_line line) {
    auto at = std::ranges::find(m.orders, order, &order_return::order);
    if (at == m.orders.end()) at = m.orders.insert(at, {order, {}});
    at->lines.push_back(line);
}

}  // namespace

const char* describe(unmatched u) noexcept {
    switch (u) {
        case unmatched::no_earlier_purchase: return "no earlier purchase";
        case unmatched::order_cancelled: return "order was cancelled";
        case unmatched::more_than_bought: return "more than was bought";
        case unmatched::order_not_final: return "order not final in time";
        case unmatched::refused: return "refused by the platform";
        case unmatched::count_: break;
    }
    return "";
}

void return_index::add(std::uint32_t customer, order_slot order, std::span<const wanted_return> lines) {
    auto& bought = bought_[customer];
    BV_ASSERT(bought.empty() || bought.back().order < order);
    for (const auto& l : lines) bought.push_back({order, l.sku, static_cast<std::uint32_t>(std::min<std::int64_t>(l.quantity, UINT32_MAX))});
}

return_match return_index::match(std::uint32_t customer, order_slot before, std::span<const wanted_return> wanted,
                                 const std::function<outcome(order_slot)>& outcome_of) const {
    return_match out;
    const auto& bought = bought_[customer];
    for (const auto& w : wanted) {
        auto left = w.quantity;
        bool seen = false, seen_cancelled = false;
        for (auto b = bought.rbegin(); b != bought.rend() && left > 0; ++b) {
            if (b->order >= before || b->sku != w.sku) continue;
            seen = true;
            if (b->left == 0) continue;
            const auto ended = outcome_of(b->order);
            if (ended == outcome::unknown) {
                out.undecided.push_back(b->order);
                break;
            }
            if (ended == outcome::cancelled) {
                seen_cancelled = true;
                continue;
            }
            const auto n = std::min<std::int64_t>(left, b->left);
            put(out, b->order, {w.sku, n});
            left -= n;
        }
        if (left == 0) continue;
        const auto why = seen_cancelled ? unmatched::order_cancelled : seen ? unmatched::more_than_bought : unmatched::no_earlier_purchase;
        out.unmatched_units[static_cast<std::size_t>(why)] += left;
    }
    std::ranges::sort(out.orders, std::greater{}, &order_return::order);
    return out;
}

void return_index::take(std::uint32_t customer, const return_match& m) {
    for (const auto& o : m.orders) {
        for (const auto& l : o.lines) {
            const auto at = std::ranges::find_if(bought_[customer], [&](const bought_line& b) { return b.order == o.order && b.sku == l.sku; });
            BV_ASSERT(at != bought_[customer].end() && at->left >= l.quantity);
            at->left -= static_cast<std::uint32_t>(l.quantity);
        }
    }
}

}  // namespace bv::replay
