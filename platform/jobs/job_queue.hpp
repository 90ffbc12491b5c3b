// Work to be done later and tried again until it is done: a job, where an event only says what happened. The port of every queue.
//
//   co_await queue.enqueue(uow, {{.id = id, .kind = "deliver_mail"}});   // with what it belongs to; then queue.committed()
//
//   const auto jobs = co_await queue.claim(16);                          // a worker
//   …do them…
//   co_await db.run({…}, [&](auto& uow) { …co_await queue.finish(uow, verdicts) says whose effects count… });
//   queue.let_go(jobs);
//
// At least once: a worker that dies, or that is slower than its lease, has its job taken by another one, and what it says of it
// later changes nothing. So whoever notes the effect down does it in the unit of work of finish(), and only for what was settled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/core/uuid.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::jobs {

struct new_job {
    uuid id;                    // of one that is there already the second is ignored
    std::string kind;           // what to do
    std::string payload{};      // bytes
    std::string traceparent{};  // whose trace it belongs to; empty: that of the unit of work
    milliseconds delay{0};      // due after this
};

struct job {
    uuid id;
    std::string kind, payload;
    int attempt = 0;  // 1 for the first; also fences out earlier claims
    std::string traceparent;
    time_point created_at;
};

enum class verdict : unsigned char { done, again, dead };

// How a claim ended, by who had it.
struct finished {
    uuid id;
    int attempt = 0;
    verdict how = verdict::done;
    std::string error{};
};

// What became of a job whose claim was still the caller's. `again` after the last attempt is dead.
struct settled {
    uuid id;
    verdict how = verdict::done;
};

struct dead_job {
    uuid id;
    std::string kind;
    int attempts = 0;
    std::string error, traceparent;
    time_point created_at, dead_at;
};

struct counts {
    std::int64_t waiting = 0;  // neither done nor dead
    std::int64_t dead = 0;
    milliseconds overdue{0};   // how long the one that is due longest has waited for a worker
};

struct policy {
    milliseconds lease{60'000};                                 // a claim's
    int attempts = 10;                                          // then it is dead; those whose worker ended count
    std::vector<milliseconds> delays{seconds(1), seconds(10), seconds(60)};  // before the second attempt, the third…; the last for all after it
};
[[nodiscard]] milliseconds delay_after(const policy&, int attempt);

// Of one name. Thread-safe. Times are the store's. Every call throws failure UNAVAILABLE when the store is away.
class job_queue {
public:
    virtual ~job_queue() = default;

    // For its jobs in the background; before it, nothing may be claimed. Others may enqueue from the construction on.
    virtual task<void> start() = 0;
    virtual task<void> stop() = 0;
    // Empty, or for people what works worse than it should.
    [[nodiscard]] virtual std::string trouble() const = 0;

    virtual task<void> enqueue(storage::unit_of_work&, std::vector<new_job>) = 0;
    // After the commit of what enqueued: whoever waits for jobs looks now.
    virtual void committed() noexcept = 0;

    // Up to `limit` that are due, leased to the caller. Empty: none, for now.
    virtual task<std::vector<job>> claim(int limit) = 0;
    // Notified when a claim may find something. One waits at a time.
    virtual void attach(std::shared_ptr<signal>) = 0;
    // Those that were still the caller's, in any order.
    virtual task<std::vector<settled>> finish(storage::unit_of_work&, std::vector<finished>) = 0;
    // The caller has done what it could for these claims, finished or not: what is not is due again when its lease has run out.
    virtual void let_go(const std::vector<job>&) noexcept = 0;

    // The longest dead first.
    virtual task<std::vector<dead_job>> dead(int limit) = 0;
    // Gives one or all of the dead their attempts back; how many there were.
    virtual task<std::int64_t> revive(std::optional<uuid>) = 0;
    // Forgets one or all of the dead.
    virtual task<std::int64_t> discard(std::optional<uuid>) = 0;
    virtual task<counts> count() = 0;
};

}  // namespace bv::jobs
