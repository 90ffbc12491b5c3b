#include <algorithm>
#include <limits>
#include <tuple>

#include "domains/commerce/order/adapters/memory_stores.hpp"
#include "domains/commerce/order/app/project_orders.hpp"

namespace bv::order {

task<void> memory_projection_store::lock(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    co_await tx.lock_named("orders.projections");
}

task<void> memory_projection_store::add_sales(memory::transaction& tx, const projected_order& p, std::int64_t sign) {
    const sales moved{sign * p.what.orders, sign * p.what.units, sign * p.what.revenue, sign * p.what.refunded};
    co_await tables_.days.upsert(tx, {sales_day(p.summary), p.summary.currency}, moved, [&moved](sales& day) {
        day.orders += moved.orders;
        day.units += moved.units;
        day.revenue += moved.revenue;
        day.refunded += moved.refunded;
    });
}

task<void> memory_projection_store::project(storage::unit_of_work& uow, std::vector<projected_order> rows) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    for (const auto& r : rows) {
        std::optional<projected_order> before;
        bool is_newer = true;
        co_await tables_.projections.upsert(tx, r.summary.id, r, [&](projected_order& at) {
            is_newer = at.summary.version < r.summary.version;
            if (!is_newer) return;
            before = std::exchange(at, r);
        });
        if (!is_newer) continue;
        if (before) co_await add_sales(tx, *before, -1);
        co_await add_sales(tx, r, 1);
    }
}

task<void> memory_projection_store::clear(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<order_id> ids;
    std::vector<std::pair<std::chrono::sys_days, bv::currency>> days;
    tables_.projections.scan(tx, [&](const order_id& id, const projected_order&) { ids.push_back(id); });
    tables_.days.scan(tx, [&](const auto& day, const sales&) { days.push_back(day); });
    for (const auto& id : ids)
        if (co_await tables_.projections.lock(tx, id)) tables_.projections.erase(tx, id);
    for (const auto& day : days)
        if (co_await tables_.days.lock(tx, day)) tables_.days.erase(tx, day);
}

// Head and document in one snapshot of the store.
task<current_document> memory_projection_store::current(storage::unit_of_work& uow, order_id id) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    current_document out;
    tables_.events.scan_after(tx, {id, 0}, [&](const std::pair<order_id, std::int64_t>& k, const memory_orders::event_row& r) {
        if (k.first != id) return false;
        if (tx.sees(r.customer.value)) out.head = k.second;
        return true;
    });
    if (out.head == 0) co_return out;
    const auto* row = tables_.projections.find(tx, id);
    if (row && row->summary.version == out.head) out.document = row->document;
    co_return out;
}

task<std::vector<order>> memory_projection_store::list(storage::unit_of_work& uow, order_filter f) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<order> out;
    tables_.projections.scan(tx, [&](const order_id&, const projected_order& row) {
        const auto& o = row.summary;
        if (!tx.sees(o.customer.value) || (f.customer && o.customer != *f.customer) || (f.status && o.status != *f.status)) return;
        if (f.after && std::tie(o.ordered_at, o.id) >= std::tie(f.after->ordered_at, f.after->id)) return;
        out.push_back(o);
    });
    std::ranges::sort(out, [](const order& a, const order& b) { return std::tie(a.ordered_at, a.id) > std::tie(b.ordered_at, b.id); });
    if (std::ssize(out) > f.limit) out.resize(static_cast<std::size_t>(f.limit));
    co_return out;
}

task<std::vector<day_of_sales>> memory_projection_store::list_sales(storage::unit_of_work& uow, sales_filter f) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<day_of_sales> out;
    if (!tx.sees_all()) co_return out;
    tables_.days.scan(tx, [&](const std::pair<std::chrono::sys_days, bv::currency>& key, const sales& what) {
        if (what == sales{} || std::ssize(out) >= f.limit) return;
        if ((f.from && key.first < *f.from) || (f.to && key.first > *f.to)) return;
        if (f.after && key <= std::pair{f.after->day, f.after->currency}) return;
        out.push_back({key.first, key.second, what});
    });
    co_return out;
}

task<std::vector<projected_order>> memory_projection_store::scan(storage::unit_of_work& uow, order_id after, std::int64_t limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<projected_order> out;
    tables_.projections.scan_after(tx, after, [&](const order_id&, const projected_order& row) {
        if (std::ssize(out) == limit) return false;
        if (tx.sees(row.summary.customer.value)) out.push_back(row);
        return true;
    });
    co_return out;
}

}  // namespace bv::order
