#include "domains/commerce/inventory/adapters/memory_stock_store.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/core/error.hpp"

namespace bv::inventory {
namespace {

template <class T>
std::vector<T> sorted(std::vector<T> all) {
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return all;
}

bool is_due(const reservation& r, time_point now) { return r.status == reservation_status::held && r.expires_at <= now; }

// The table's own checks.
bool is_legal(const stock_level& l) { return l.reserved >= 0 && l.sold >= 0 && l.available() >= 0; }

}  // namespace

task<std::vector<reservation>> memory_stock_store::lock_reservations(storage::unit_of_work& uow, std::vector<order_id> ids) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<reservation> out;
    for (const auto id : sorted(std::move(ids)))
        if (const auto* r = co_await tables_.reservations.lock(tx, id)) out.push_back(*r);
    co_return out;
}

task<std::vector<reservation>> memory_stock_store::lock_due(storage::unit_of_work& uow, time_point now, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<std::pair<time_point, order_id>> due;
    tables_.reservations.scan(tx, [&](const order_id& id, const reservation& r) {
        if (is_due(r, now)) due.emplace_back(r.expires_at, id);
    });
    std::ranges::sort(due);
    std::vector<reservation> out;
    for (const auto& [_, id] : due) {
        if (std::ssize(out) == limit) break;
        const auto* r = tables_.reservations.try_lock(tx, id);
        if (r && is_due(*r, now)) out.push_back(*r);
    }
    co_return out;
}

task<std::vector<sku_level>> memory_stock_store::lock_levels(storage::unit_of_work& uow, std::vector<std::string> skus) {
    std::vector<sku_level> out;
    if (skus.empty()) co_return out;
    auto& tx = memory::of(uow);
    co_await tx.statement();
    for (const auto& sku : sorted(std::move(skus)))
        if (const auto* l = co_await tables_.levels.lock(tx, sku)) out.push_back({sku, l->level, l->updated_at});
    co_return out;
}

task<void> memory_stock_store::save(storage::unit_of_work& uow, std::vector<stock_book::level_change> levels, std::vector<reservation> reservations) {
    if (levels.empty() && reservations.empty()) co_return;
    auto& tx = memory::of(uow);
    co_await tx.statement();
    for (const auto& c : levels) {
        const auto* found = co_await tables_.levels.lock(tx, c.sku);
        if (!found) continue;
        auto l = found->level;
        l.reserved += c.reserved;
        l.sold += c.sold;
        if (!is_legal(l)) tx.violate(code::failed_precondition, "CHECK_VIOLATION", "the stock of " + c.sku + " would be negative");
        tables_.levels.put(tx, c.sku, {l, clock_.now()});
    }
    for (const auto& r : reservations) {
        co_await tables_.reservations.upsert(tx, r.order, r, [&r](reservation& now) {
            now.status = r.status;
            for (std::size_t i = 0; i < now.lines.size() && i < r.lines.size(); ++i) now.lines[i].returned = r.lines[i].returned;
        });
    }
}

task<std::vector<receipt>> memory_stock_store::receive(storage::unit_of_work& uow, std::vector<receipt> receipts) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(receipts, {}, [](const receipt& r) { return std::pair(r.sku, r.reference); });
    std::vector<receipt> booked;
    for (const auto& r : receipts)
        if (co_await tables_.receipts.insert(tx, {r.reference, r.sku}, r)) booked.push_back(r);
    if (booked.empty()) co_return booked;
    for (const auto& r : booked) co_await tables_.levels.insert(tx, r.sku, {{}, clock_.now()});
    co_await tx.statement();
    for (const auto& r : booked) {
        auto l = (co_await tables_.levels.lock(tx, r.sku))->level;
        l.received += r.quantity;
        if (!is_legal(l))
            tx.violate(code::failed_precondition, "STOCK_SHORT",
                       fmt::format("{}: the adjustment takes more than is available; reserved and sold stock cannot be adjusted away", r.sku));
        tables_.levels.put(tx, r.sku, {l, clock_.now()});
    }
    co_return booked;
}

task<std::optional<sku_level>> memory_stock_store::find_level_in(storage::unit_of_work& uow, std::string sku) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto* l = tables_.levels.find(tx, sku);
    if (!l) co_return std::nullopt;
    co_return sku_level{sku, l->level, l->updated_at};
}

task<std::vector<sku_level>> memory_stock_store::list_in(storage::unit_of_work& uow, std::string after, std::optional<std::int64_t> at_most, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<sku_level> out;
    tables_.levels.scan_after(tx, after, [&](const std::string& sku, const memory_stock::level_row& l) {
        if (!at_most || l.level.available() <= *at_most) out.push_back({sku, l.level, l.updated_at});
        return std::ssize(out) < limit;
    });
    co_return out;
}

task<std::optional<reservation>> memory_stock_store::find_in(storage::unit_of_work& uow, order_id id) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto* r = tables_.reservations.find(tx, id);
    if (!r) co_return std::nullopt;
    co_return *r;
}

task<std::optional<sku_level>> memory_stock_store::find_level(std::string sku) {
    co_return co_await db_.transact({}, [&](storage::unit_of_work& uow) { return find_level_in(uow, sku); });
}

task<std::vector<sku_level>> memory_stock_store::list_levels(std::string after, std::optional<std::int64_t> at_most, int limit) {
    co_return co_await db_.transact({}, [&](storage::unit_of_work& uow) { return list_in(uow, after, at_most, limit); });
}

task<std::optional<reservation>> memory_stock_store::find_reservation(order_id id) {
    co_return co_await db_.transact({}, [&](storage::unit_of_work& uow) { return find_in(uow, id); });
}

}  // namespace bv::inventory
