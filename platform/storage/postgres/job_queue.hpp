// Work to be done later, in a service's schema (table made by platform.create_job_queue). Enqueued and finished within
// the unit of work of what it belongs to; claimed with a lease by any number of workers (FOR UPDATE SKIP LOCKED).
//
//   co_await queue.enqueue(uow, {.id = uuid::v7(clock, rng), .kind = "send_mail", .payload = bytes});
//   for (auto& job : co_await queue.claim(16)) { …; co_await db.run({…}, [&](auto& uow) { return queue.complete(uow, job); }); }
//
// A job is done at least once: a worker that dies or is slower than its lease has the job taken from it, and its
// complete() then throws, which rolls back its unit of work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

struct new_job {
    uuid id;                   // of an id that is already there the second is ignored
    std::string kind;          // what to do: "void_payment"
    std::string payload;       // bytes
    milliseconds delay{0};     // due after this
    int max_attempts = 10;
};

struct job {
    uuid id;
    std::string kind;
    std::string payload;
    int attempt = 0;           // 1 for the first; also fences out earlier claims
    int max_attempts = 0;
    std::string actor;         // of the unit of work that enqueued it
    std::string traceparent;
    time_point created_at;
};

struct dead_job {
    uuid id;
    std::string kind;
    int attempts = 0;
    time_point dead_at;
    std::string last_error;
};

// Thread-safe. The database must outlive it. Times are the server's.
class job_queue {
public:
    struct settings {
        milliseconds lease{60'000};
        milliseconds first_delay{500};   // between attempts; doubles, with jitter, up to max_delay
        milliseconds max_delay{60'000};
    };
    job_queue(database& db, std::string_view schema, std::string queue) : job_queue(db, schema, std::move(queue), settings{}) {}
    job_queue(database&, std::string_view schema, std::string queue, settings);

    // False when a job of this id is already there.
    task<bool> enqueue(storage::unit_of_work&, new_job);
    // Up to `limit` jobs that are due, the longest due first, leased to the caller.
    task<std::vector<job>> claim(std::int64_t limit);
    // The three ends of a claim. Throw failure ABORTED "JOB_LEASE_LOST" when another worker has the job by now.
    task<void> complete(storage::unit_of_work&, const job&);
    // Due again after a pause; dead after max_attempts. True when it will be tried again.
    task<bool> retry(storage::unit_of_work&, const job&, std::string error);
    task<void> bury(storage::unit_of_work&, const job&, std::string error);

    task<std::vector<dead_job>> dead(std::int64_t limit);
    // Gives a dead job its attempts back. False when there is no such.
    task<bool> revive(uuid id);
    // Jobs that are not dead.
    task<std::int64_t> depth();

private:
    [[nodiscard]] milliseconds pause_after(int attempt) const;

    database& database_;
    std::string queue_;
    settings settings_;
    statement enqueue_, give_up_, claim_, complete_, retry_, bury_, dead_, revive_, depth_;
};

}  // namespace bv::pg
