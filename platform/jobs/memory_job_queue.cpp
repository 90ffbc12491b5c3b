#include "platform/jobs/memory_job_queue.hpp"

#include <algorithm>
#include <utility>

namespace bv::jobs {
namespace {

storage::transaction_options as_itself() { return {.identity = storage::system_identity("jobs")}; }

}  // namespace

task<void> memory_job_queue::enqueue(storage::unit_of_work& uow, std::vector<new_job> some) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(some, {}, &new_job::id);
    for (auto& j : some) {
        auto trace = j.traceparent.empty() ? tx.who().traceparent : std::move(j.traceparent);
        co_await tables_.rows.insert(tx, j.id, {{j.id, std::move(j.kind), std::move(j.payload), 0, std::move(trace), clock_.now()}, clock_.steady_now() + j.delay});
    }
}

task<std::vector<job>> memory_job_queue::claim_in(storage::unit_of_work& uow, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    const auto now = clock_.steady_now();
    std::vector<std::pair<steady_point, uuid>> due;
    tables_.rows.scan(tx, [&](const uuid& id, const row& r) {
        if (!r.dead_at && r.due <= now) due.emplace_back(r.due, id);
    });
    std::ranges::sort(due);
    std::vector<job> out;
    for (const auto& [_, id] : due) {
        if (std::ssize(out) == limit) break;
        const auto* found = tables_.rows.try_lock(tx, id);
        if (!found || found->dead_at || found->due > now) continue;
        auto r = *found;
        if (r.what.attempt >= policy_.attempts) {
            r.dead_at = clock_.now();
            r.error = "its worker ended or was too slow at its last attempt; before: " + r.error;
        } else {
            ++r.what.attempt;
            r.due = now + policy_.lease;
            out.push_back(r.what);
        }
        tables_.rows.put(tx, id, std::move(r));
    }
    co_return out;
}

task<std::vector<settled>> memory_job_queue::finish(storage::unit_of_work& uow, std::vector<finished> some) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(some, {}, &finished::id);
    std::vector<settled> out;
    for (auto& f : some) {
        const auto* found = co_await tables_.rows.lock(tx, f.id);
        if (!found || found->dead_at || found->what.attempt != f.attempt) continue;
        const bool last = f.how == verdict::again && f.attempt >= policy_.attempts;
        const auto how = last ? verdict::dead : f.how;
        out.push_back({f.id, how});
        if (how == verdict::done) {
            tables_.rows.erase(tx, f.id);
            continue;
        }
        auto r = *found;
        r.due = clock_.steady_now() + delay_after(policy_, f.attempt);
        r.error = std::move(f.error);
        if (how == verdict::dead) r.dead_at = clock_.now();
        tables_.rows.put(tx, f.id, std::move(r));
    }
    co_return out;
}

task<std::vector<dead_job>> memory_job_queue::dead_in(storage::unit_of_work& uow, int limit) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<dead_job> out;
    tables_.rows.scan(tx, [&](const uuid& id, const row& r) {
        if (r.dead_at) out.push_back({id, r.what.kind, r.what.attempt, r.error, r.what.traceparent, r.what.created_at, *r.dead_at});
    });
    std::ranges::sort(out, {}, [](const dead_job& d) { return std::pair(d.dead_at, d.id); });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<std::int64_t> memory_job_queue::answer_in(storage::unit_of_work& uow, std::optional<uuid> one, bool revived) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<uuid> ids;
    tables_.rows.scan(tx, [&](const uuid& id, const row& r) {
        if (r.dead_at && (!one || *one == id)) ids.push_back(id);
    });
    std::int64_t n = 0;
    for (const auto& id : ids) {
        const auto* found = co_await tables_.rows.lock(tx, id);
        if (!found || !found->dead_at) continue;
        ++n;
        if (!revived) {
            tables_.rows.erase(tx, id);
            continue;
        }
        auto r = *found;
        r.dead_at.reset();
        r.what.attempt = 0;
        r.due = clock_.steady_now();
        tables_.rows.put(tx, id, std::move(r));
    }
    co_return n;
}

task<counts> memory_job_queue::count_in(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    counts out;
    const auto now = clock_.steady_now();
    tables_.rows.scan(tx, [&](const uuid&, const row& r) {
        ++(r.dead_at ? out.dead : out.waiting);
        if (!r.dead_at) out.overdue = std::max(out.overdue, std::chrono::duration_cast<milliseconds>(now - r.due));
    });
    co_return out;
}

task<std::vector<job>> memory_job_queue::claim(int limit) {
    co_return co_await db_.transact(as_itself(), [&](storage::unit_of_work& uow) { return claim_in(uow, limit); });
}
task<std::vector<dead_job>> memory_job_queue::dead(int limit) {
    co_return co_await db_.transact(as_itself(), [&](storage::unit_of_work& uow) { return dead_in(uow, limit); });
}
task<std::int64_t> memory_job_queue::answer(std::optional<uuid> one, bool revived) {
    co_return co_await db_.transact(as_itself(), [&](storage::unit_of_work& uow) { return answer_in(uow, one, revived); });
}
task<std::int64_t> memory_job_queue::revive(std::optional<uuid> one) {
    const auto n = co_await answer(one, true);
    if (n > 0) committed();
    co_return n;
}
task<std::int64_t> memory_job_queue::discard(std::optional<uuid> one) { return answer(one, false); }
task<counts> memory_job_queue::count() {
    co_return co_await db_.transact(as_itself(), [&](storage::unit_of_work& uow) { return count_in(uow); });
}

}  // namespace bv::jobs
