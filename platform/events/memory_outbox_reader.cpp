// The reading half of the memory adapter: outboxes and their horizon.
#include <limits>

#include "platform/events/memory_outbox_reader.hpp"

namespace bv::events {
namespace {

storage::transaction_options reading() {
    storage::transaction_options o;
    o.identity = storage::system_identity("service:log");
    return o;
}

}  // namespace

task<void> memory_outbox::append(storage::unit_of_work& uow, std::vector<outgoing> events) {
    if (events.empty()) co_return;
    auto& tx = memory::of(uow);
    co_await tx.statement();
    // The id first: the horizon rests on that order.
    tx.id();
    for (auto& e : events) {
        const auto position = ++schema_.drawn;
        const bool is_new = co_await schema_.outbox_ids.insert(tx, e.id, position);
        if (!is_new) tx.violate(code::already_exists, "UNIQUE_VIOLATION", "an event of the id " + e.id.str() + " is in the outbox");
        auto trace = e.traceparent.empty() ? tx.who().traceparent : std::move(e.traceparent);
        schema_.outbox.add(tx, position,
                           {position, source_, e.id, std::move(e.type), std::move(e.key), clock_.now(), std::move(trace), tx.who().actor, std::move(e.payload)});
    }
    if (wake_) wake_();
}

task<heads_probe> memory_outbox_reader::probe(std::vector<std::string> sources) {
    co_return co_await reads_.transact(reading(), [&](storage::unit_of_work& uow) { return probe_in(uow, sources); });
}

// In the order of platform.outbox_heads, with others' transactions between the steps.
task<heads_probe> memory_outbox_reader::probe_in(storage::unit_of_work& uow, std::vector<std::string> sources) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    heads_probe out;
    for (const auto& s : sources) out.heads.push_back(schemas_.of(s).drawn);
    co_await tx.statement();
    out.snapshot_xmin = database_.oldest_running();
    out.next_xid = database_.next_id();
    co_return out;
}

// No process: it is one of this program's own.
task<std::vector<open_transaction>> memory_outbox_reader::who_runs(std::int64_t xid) {
    std::vector<open_transaction> out;
    if (database_.oldest_running() == xid && database_.next_id() != xid) out.push_back({.database = "memory", .state = "active"});
    co_return out;
}

task<std::vector<event_ptr>> memory_outbox_reader::fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit) {
    co_return co_await reads_.transact(reading(), [&](storage::unit_of_work& uow) { return fetch_in(uow, source, after, upto, limit); });
}

task<std::vector<event_ptr>> memory_outbox_reader::fetch_in(storage::unit_of_work& uow, std::string source, std::int64_t after,
                                                            std::int64_t upto, std::int32_t limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<event_ptr> out;
    schemas_.of(source).outbox.scan_after(tx, after, [&](std::int64_t position, const event& e) {
        if (position > upto || std::ssize(out) >= limit) return false;
        out.push_back(std::make_shared<event>(e));
        return true;
    });
    co_return out;
}

task<std::int64_t> memory_outbox_reader::last_row(std::string source, std::int64_t upto) {
    co_return co_await reads_.transact(reading(), [&](storage::unit_of_work& uow) { return last_row_in(uow, source, upto); });
}

task<std::int64_t> memory_outbox_reader::last_row_in(storage::unit_of_work& uow, std::string source, std::int64_t upto) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::int64_t last = 0;
    schemas_.of(source).outbox.scan(tx, [&](std::int64_t position, const event&) {
        if (position > upto) return false;
        last = position;
        return true;
    });
    co_return last;
}

task<void> memory_outbox_reader::register_group(std::string group, std::string source, std::string consumer) {
    schemas_.groups[source].emplace(std::move(group), std::move(consumer));
    co_return;
}

task<std::int64_t> memory_outbox_reader::prune(std::string source, time_point cutoff, std::int32_t limit) {
    co_return co_await reads_.transact(reading(), [&](storage::unit_of_work& uow) { return prune_in(uow, source, cutoff, limit); });
}

task<std::int64_t> memory_outbox_reader::prune_in(storage::unit_of_work& uow, std::string source, time_point cutoff, std::int32_t limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    auto lowest = std::numeric_limits<std::int64_t>::max();
    for (const auto& [group, consumer] : schemas_.groups[source]) {
        const auto* passed = schemas_.of(consumer).positions.find(tx, {group, source});
        lowest = std::min(lowest, passed ? passed->position : 0);
    }
    auto& outbox = schemas_.of(source).outbox;
    std::vector<std::int64_t> old;
    std::int32_t seen = 0;
    outbox.scan(tx, [&](std::int64_t position, const event& e) {
        if (position > lowest || seen++ == limit) return false;
        if (e.time < cutoff) old.push_back(position);
        return true;
    });
    for (const auto position : old)
        if (outbox.try_lock(tx, position)) outbox.erase(tx, position);
    co_return static_cast<std::int64_t>(old.size());
}

}  // namespace bv::events
