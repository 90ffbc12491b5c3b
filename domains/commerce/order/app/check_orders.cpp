#include "domains/commerce/order/app/check_orders.hpp"

#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "domains/commerce/order/app/paging.hpp"
#include "domains/commerce/order/app/project_orders.hpp"

namespace bv::order {
namespace {

using sales_key = std::pair<std::chrono::sys_days, bv::currency>;
using totals = std::map<sales_key, sales>;

struct job {
    const environment& env;
    std::size_t max_violations;
    std::int64_t batch;
    check_result out;
    totals expected;  // by the versions that the read models are at

    void report(std::string rule, std::string id, std::string what) {
        ++out.violation_count;
        if (out.violations.size() < max_violations) out.violations.push_back({std::move(rule), std::move(id), std::move(what)});
    }
};

void add(sales& to, const sales& s) {
    to.orders += s.orders;
    to.units += s.units;
    to.revenue += s.revenue;
    to.refunded += s.refunded;
}

// The order after the first `version` events of its stream.
order fold(const event_stream& s, std::int64_t version) {
    order o;
    for (const auto& e : s.events) {
        if (e.version > version) break;
        o = evolve(std::move(o), e.what, e.at);
    }
    return o;
}

void check_stream(job& j, const event_stream& s, const order* loaded) {
    const auto id = s.id.str();
    std::vector<event> walk;
    for (const auto& e : s.events) walk.push_back(e.what);
    for (std::size_t i = 0; i < s.events.size(); ++i) {
        const auto expected = static_cast<std::int64_t>(i) + 1;
        if (s.events[i].version == expected) continue;
        j.report("stream.gapless", id, fmt::format("has version {} where {} belongs", s.events[i].version, expected));
        break;
    }
    if (!is_legal_walk(walk)) j.report("stream.legal", id, "is not what the state machine can produce");
    const auto head = fold(s, INT64_MAX);
    if (head.id != s.id) j.report("stream.legal", id, "holds the events of another order");
    if (!is_final(head.status)) ++j.out.under_way;
    if (!loaded || *loaded != head) j.report("snapshot.fold", id, "loads as another order than its events fold to");
    if (head.status == status::cancelled && head.captured < head.refunded) j.report("stream.legal", id, "was refunded more than was captured");
    j.out.events += std::ssize(s.events);
    ++j.out.orders;
}

void check_row(job& j, const event_stream& s, const projected_order* row) {
    const auto id = s.id.str();
    if (!row) {
        ++j.out.behind;
        return;
    }
    const auto head = s.events.empty() ? 0 : s.events.back().version;
    const auto at = row->summary.version;
    if (at < head) ++j.out.behind;
    if (at > head) j.report("summary.fold", id, fmt::format("is at version {}, its stream at {}", at, head));
    const auto expected = to_projection(fold(s, at));
    auto& e = expected.summary;
    auto& r = row->summary;
    const bool same = e.id == r.id && e.version == r.version && e.customer == r.customer && e.status == r.status && e.currency == r.currency && e.total == r.total &&
                      e.refunded == r.refunded && e.reason == r.reason && e.cancel_detail == r.cancel_detail && e.payment_id == r.payment_id &&
                      e.external_reference == r.external_reference && e.ordered_at == r.ordered_at && e.placed_at == r.placed_at &&
                      e.updated_at == r.updated_at && expected.what == row->what;
    if (!same) j.report("summary.fold", id, "differs from the fold of its events");
    if (expected.document != row->document) j.report("detail.fold", id, "differs from the fold of its events");
    add(j.expected[{sales_day(e), e.currency}], expected.what);
}

task<void> check_batches(job& j, storage::unit_of_work& uow) {
    order_id after;
    for (;;) {
        const auto streams = co_await j.env.streams.scan(uow, after, j.batch);
        if (streams.empty()) co_return;
        std::vector<order_id> ids;
        for (const auto& s : streams) ids.push_back(s.id);
        std::unordered_map<order_id, order> loaded;
        for (auto& o : co_await j.env.streams.load(uow, std::move(ids))) loaded.emplace(o.id, std::move(o));
        std::unordered_map<order_id, projected_order> rows;
        for (auto& r : co_await j.env.projections.scan(uow, after, j.batch)) rows.emplace(r.summary.id, std::move(r));
        for (const auto& s : streams) {
            const auto l = loaded.find(s.id);
            const auto r = rows.find(s.id);
            check_stream(j, s, l == loaded.end() ? nullptr : &l->second);
            check_row(j, s, r == rows.end() ? nullptr : &r->second);
        }
        after = streams.back().id;
    }
}

// Rows that no stream stands behind.
task<void> check_strays(job& j, storage::unit_of_work& uow) {
    order_id after;
    for (;;) {
        const auto rows = co_await j.env.projections.scan(uow, after, j.batch);
        if (rows.empty()) co_return;
        std::vector<order_id> ids;
        for (const auto& r : rows) ids.push_back(r.summary.id);
        std::unordered_map<order_id, bool> known;
        for (auto& o : co_await j.env.streams.load(uow, std::move(ids))) known.emplace(o.id, true);
        for (const auto& r : rows) {
            if (!known.contains(r.summary.id)) j.report("summary.fold", r.summary.id.str(), "has no stream behind it");
        }
        after = rows.back().summary.id;
    }
}

task<void> check_sales(job& j, storage::unit_of_work& uow) {
    totals found;
    sales_filter filter{std::nullopt, std::nullopt, std::nullopt, j.batch};
    for (;;) {
        const auto days = co_await j.env.projections.list_sales(uow, filter);
        if (days.empty()) break;
        for (const auto& d : days) found.emplace(sales_key{d.day, d.currency}, d.what);
        filter.after = sales_cursor{days.back().day, days.back().currency};
    }
    for (const auto& [key, what] : found) j.expected.try_emplace(key);
    for (const auto& [key, what] : j.expected) {
        const auto it = found.find(key);
        if ((it == found.end() ? sales{} : it->second) == what) continue;
        j.report("sales.fold", fmt::format("{} {}", format_day(key.first), key.second.code()), "differs from the sum of its orders");
    }
}

task<void> run(job& j, storage::unit_of_work& uow) {
    j.out = {};
    j.expected.clear();
    co_await check_batches(j, uow);
    co_await check_strays(j, uow);
    co_await check_sales(j, uow);
}

}  // namespace

task<check_result> check_orders(const environment& env, std::size_t max_violations, std::int64_t batch) {
    job j{env, max_violations, batch, {}, {}};
    storage::transaction_options options;
    options.identity = storage::system_identity("service:orders");
    options.isolation = storage::isolation::repeatable_read;
    options.read_only = true;
    co_await env.db.run(std::move(options), [&j](storage::unit_of_work& uow) { return run(j, uow); });
    co_return std::move(j.out);
}

}  // namespace bv::order
