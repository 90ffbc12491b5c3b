// Streams and sagas. The read models: memory_projection_store.cpp.
#include "domains/commerce/order/adapters/memory_stores.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"

namespace bv::order {
namespace {

std::vector<order_id> sorted(std::vector<order_id> ids) {
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    return ids;
}

}  // namespace

task<void> memory_event_store::lock(storage::unit_of_work& uow, std::vector<order_id> ids) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    for (const auto id : sorted(std::move(ids))) co_await tx.lock_named("order:" + id.str());
}

std::vector<stored_event> memory_event_store::read_stream(const memory::transaction& tx, order_id id, std::int64_t after, std::int64_t limit) const {
    std::vector<stored_event> out;
    tables_.events.scan_after(tx, {id, after}, [&](const std::pair<order_id, std::int64_t>& k, const memory_orders::event_row& r) {
        if (k.first != id || std::ssize(out) >= limit) return false;
        if (tx.sees(r.customer.value)) out.push_back({k.second, decode(r.type, r.payload), r.at, r.actor, r.traceparent});
        return true;
    });
    return out;
}

task<std::vector<order>> memory_event_store::load(storage::unit_of_work& uow, std::vector<order_id> ids) {
    auto& tx = memory::of(uow);
    std::vector<order> out;
    if (ids.empty()) co_return out;
    co_await tx.statement();
    for (const auto id : sorted(std::move(ids))) {
        order o;
        const auto* snapshot = tables_.snapshots.find(tx, id);
        if (snapshot && tx.sees(snapshot->customer.value)) o = decode_snapshot(snapshot->payload);
        for (const auto& e : read_stream(tx, id, o.version, std::numeric_limits<std::int64_t>::max())) o = evolve(std::move(o), e.what, e.at);
        if (o.exists()) out.push_back(std::move(o));
    }
    co_return out;
}

task<void> memory_event_store::append(storage::unit_of_work& uow, std::vector<append_entry> entries) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    bool all_added = true;
    for (const auto& e : entries) {
        auto version = e.expected_version;
        for (const auto& what : e.events) {
            memory_orders::event_row row{e.customer, std::string(type_name(what)), encode(what), e.at, e.actor, e.traceparent};
            all_added &= co_await tables_.events.insert(tx, {e.id, ++version}, std::move(row));
        }
    }
    if (!all_added) throw order_changed();
    for (const auto& e : entries) {
        if (!e.snapshot) continue;
        memory_orders::snapshot_row row{e.snapshot->version, e.customer, encode_snapshot(*e.snapshot)};
        co_await tables_.snapshots.upsert(tx, e.id, row, [&row](memory_orders::snapshot_row& at) {
            if (at.version < row.version) at = row;
        });
    }
}

task<std::vector<stored_event>> memory_event_store::read(storage::unit_of_work& uow, order_id id, std::int64_t after, std::int64_t limit) {
    co_await memory::of(uow).statement();
    co_return read_stream(memory::of(uow), id, after, limit);
}

task<std::vector<event_stream>> memory_event_store::scan(storage::unit_of_work& uow, order_id after, std::int64_t limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<event_stream> out;
    const std::pair from{after, std::numeric_limits<std::int64_t>::max()};
    tables_.events.scan_after(tx, from, [&](const std::pair<order_id, std::int64_t>& k, const memory_orders::event_row& r) {
        if (!tx.sees(r.customer.value)) return true;
        if (out.empty() || out.back().id != k.first) {
            if (std::ssize(out) == limit) return false;
            out.push_back({k.first, {}});
        }
        out.back().events.push_back({k.second, decode(r.type, r.payload), r.at, r.actor, r.traceparent});
        return true;
    });
    co_return out;
}

task<void> memory_event_store::claim(storage::unit_of_work& uow, std::vector<external_reference> references) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    bool all_free = true;
    for (const auto& r : references) all_free &= co_await tables_.references.insert(tx, {r.customer, r.text}, r.id);
    if (!all_free) throw order_changed();
}

task<std::vector<external_reference>> memory_event_store::find_claimed(storage::unit_of_work& uow, std::vector<external_reference> wanted) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<external_reference> out;
    for (const auto& w : wanted) {
        const auto* id = tables_.references.find(tx, {w.customer, w.text});
        if (id && tx.sees(w.customer.value)) out.push_back({w.customer, w.text, *id});
    }
    co_return out;
}

task<std::vector<order_id>> memory_event_store::find_by_reference(storage::unit_of_work& uow, std::optional<customer_id> customer, std::string text) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<order_id> out;
    tables_.references.scan(tx, [&](const memory_orders::reference_key& k, const order_id& id) {
        const bool wanted = k.second == text && (!customer || k.first == *customer);
        if (wanted && tx.sees(k.first.value)) out.push_back(id);
    });
    co_return out;
}

// In the order of ids, so that two writers lock in the same order; the last step of an order counts.
task<void> memory_saga_store::save(storage::unit_of_work& uow, std::vector<saga_step> steps) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::map<order_id, saga_step> last;
    for (const auto& s : steps) last[s.id] = s;
    for (const auto& [id, s] : last) {
        if (s.what == awaiting::nothing) continue;
        co_await tables_.sagas.upsert(tx, id, s, [&s](saga_step& at) { at = s; });
    }
    for (const auto& [id, s] : last) {
        if (s.what == awaiting::nothing && co_await tables_.sagas.lock(tx, id)) tables_.sagas.erase(tx, id);
    }
}

task<std::vector<saga_step>> memory_saga_store::find_overdue(storage::unit_of_work& uow, instant now, std::int64_t limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<saga_step> out;
    tables_.sagas.scan(tx, [&](const order_id&, const saga_step& s) {
        if (s.deadline_at <= now) out.push_back(s);
    });
    std::ranges::sort(out, {}, [](const saga_step& s) { return std::pair(s.deadline_at, s.id); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::int64_t> memory_saga_store::count_open(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::int64_t n = 0;
    tables_.sagas.scan(tx, [&n](const order_id&, const saga_step&) { ++n; });
    co_return n;
}

}  // namespace bv::order
