#include "platform/jobs/pg_job_queue.hpp"

#include <utility>

#include "platform/core/error.hpp"
#include "platform/storage/postgres/schema_statement.hpp"

namespace bv::jobs {
namespace {

double in_seconds(milliseconds d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

pg_job_queue::pg_job_queue(pg::database& db, std::string_view schema, std::string queue, policy p)
    : database_(db), queue_(std::move(queue)), policy_(std::move(p)),
      enqueue_(pg::statement_in(schema, "jobs.enqueue", R"(
INSERT INTO {{schema}}.jobs (id, queue, kind, payload, traceparent, due_at)
SELECT id, $1, kind, payload, coalesce(nullif(traceparent, ''), platform.current_traceparent()), now() + make_interval(secs => delay)
  FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::float8[]) AS n(id, kind, payload, traceparent, delay)
 ORDER BY id
    ON CONFLICT (id) DO NOTHING)")),
      forget_told_(pg::statement_in(schema, "jobs.forget_told", R"(
UPDATE {{schema}}.jobs SET told_at = NULL WHERE queue = $1 AND told_at IS NOT NULL AND dead_at IS NULL)")),
      claim_(pg::statement_in(schema, "jobs.claim", R"(
WITH due AS (
    SELECT id FROM {{schema}}.jobs
     WHERE queue = $1 AND told_at IS NULL AND dead_at IS NULL AND due_at <= now()
     ORDER BY due_at, id LIMIT $2
       FOR UPDATE SKIP LOCKED)
UPDATE {{schema}}.jobs AS j
   SET attempts = attempts + 1, due_at = now() + make_interval(secs => $3)
  FROM due WHERE j.id = due.id
RETURNING j.id, kind, payload, attempts, traceparent, created_at)")),
      exhaust_(pg::statement_in(schema, "jobs.exhaust", R"(
UPDATE {{schema}}.jobs
   SET dead_at = now(), attempts = attempts - 1, last_error = 'its worker ended or was too slow at its last attempt; before: ' || last_error
 WHERE id = ANY($1::uuid[]) AND attempts > $2 AND dead_at IS NULL)")),
      finish_(pg::statement_in(schema, "jobs.finish", R"(
WITH ended AS (
    SELECT id, attempt, how, delay, error
      FROM unnest($1::uuid[], $2::integer[], $3::smallint[], $4::float8[], $5::text[]) AS e(id, attempt, how, delay, error)),
gone AS (
    DELETE FROM {{schema}}.jobs j USING ended e
     WHERE e.how = 0 AND j.id = e.id AND j.attempts = e.attempt AND j.dead_at IS NULL
    RETURNING j.id, e.how),
kept AS (
    UPDATE {{schema}}.jobs j
       SET due_at = now() + make_interval(secs => e.delay), told_at = NULL, last_error = e.error, dead_at = CASE e.how WHEN 2 THEN now() END
      FROM ended e
     WHERE e.how <> 0 AND j.id = e.id AND j.attempts = e.attempt AND j.dead_at IS NULL
    RETURNING j.id, e.how)
SELECT id, how FROM gone UNION ALL SELECT id, how FROM kept)")),
      dead_(pg::statement_in(schema, "jobs.dead", R"(
SELECT id, kind, attempts, last_error, traceparent, created_at, dead_at FROM {{schema}}.jobs
 WHERE queue = $1 AND dead_at IS NOT NULL ORDER BY dead_at, id LIMIT $2)")),
      revive_(pg::statement_in(schema, "jobs.revive", R"(
UPDATE {{schema}}.jobs SET dead_at = NULL, told_at = NULL, attempts = 0, due_at = now()
 WHERE queue = $1 AND dead_at IS NOT NULL AND id = coalesce($2::uuid, id))")),
      discard_(pg::statement_in(schema, "jobs.discard", R"(
DELETE FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NOT NULL AND id = coalesce($2::uuid, id))")),
      count_(pg::statement_in(schema, "jobs.count", R"(
SELECT (SELECT count(*) FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NULL AND told_at IS NULL)
     + (SELECT count(*) FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NULL AND told_at IS NOT NULL),
       (SELECT count(*) FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NOT NULL),
       greatest(0, extract(epoch FROM now() - least(
           (SELECT min(due_at) FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NULL AND told_at IS NULL),
           (SELECT min(due_at) FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NULL AND told_at IS NOT NULL))) * 1000)::bigint)")) {
    if (policy_.delays.empty() || policy_.attempts < 1)
        throw failure(code::invalid_argument, "JOB_POLICY", "jobs of " + queue_ + " need an attempt and a delay at least");
}

task<void> pg_job_queue::start() { co_await database_.query(forget_told_, pg::params(queue_)); }

void pg_job_queue::attach(std::shared_ptr<signal> s) {
    const std::lock_guard hold(mutex_);
    worker_ = std::move(s);
}

void pg_job_queue::wake() noexcept {
    const std::lock_guard hold(mutex_);
    if (worker_) worker_->notify();
}

task<void> pg_job_queue::enqueue(storage::unit_of_work& uow, std::vector<new_job> some) {
    std::vector<uuid> ids;
    std::vector<std::string> kinds, traceparents;
    std::vector<pg::bytes> payloads;
    std::vector<double> delays;
    for (auto& j : some) {
        ids.push_back(j.id);
        kinds.push_back(std::move(j.kind));
        payloads.push_back({std::move(j.payload)});
        traceparents.push_back(std::move(j.traceparent));
        delays.push_back(in_seconds(j.delay));
    }
    pg::of(uow).send(enqueue_, pg::params(queue_, ids, kinds, payloads, traceparents, delays));
    co_return;
}

task<std::vector<job>> pg_job_queue::claim(int limit) {
    auto claimed = co_await database_.query(claim_, pg::params(queue_, static_cast<std::int64_t>(limit), in_seconds(policy_.lease)));
    co_return co_await with_attempts_left(std::move(claimed));
}

task<std::vector<job>> pg_job_queue::with_attempts_left(pg::rows claimed) {
    std::vector<job> out;
    std::vector<uuid> exhausted;
    for (const auto row : claimed) {
        job j{row.get<uuid>(0), row.get<std::string>(1), row.get<pg::bytes>(2).data, row.get<std::int32_t>(3), row.get<std::string>(4), row.get<time_point>(5)};
        if (j.attempt > policy_.attempts) exhausted.push_back(j.id);
        else out.push_back(std::move(j));
    }
    if (!exhausted.empty()) co_await database_.query(exhaust_, pg::params(exhausted, policy_.attempts));
    co_return out;
}

task<std::vector<settled>> pg_job_queue::finish(storage::unit_of_work& uow, std::vector<finished> some) {
    std::vector<uuid> ids;
    std::vector<std::int32_t> attempts;
    std::vector<std::int16_t> how;
    std::vector<double> delays;
    std::vector<std::string> errors;
    for (auto& f : some) {
        const bool last = f.how == verdict::again && f.attempt >= policy_.attempts;
        ids.push_back(f.id);
        attempts.push_back(f.attempt);
        how.push_back(static_cast<std::int16_t>(last ? verdict::dead : f.how));
        delays.push_back(in_seconds(delay_after(policy_, f.attempt)));
        errors.push_back(std::move(f.error));
    }
    const auto held = co_await pg::of(uow).query(finish_, pg::params(ids, attempts, how, delays, errors));
    std::vector<settled> out;
    for (const auto row : held) out.push_back({row.get<uuid>(0), static_cast<verdict>(row.get<std::int16_t>(1))});
    co_return out;
}

task<std::vector<dead_job>> pg_job_queue::dead(int limit) {
    const auto found = co_await database_.query(dead_, pg::params(queue_, static_cast<std::int64_t>(limit)));
    std::vector<dead_job> out;
    for (const auto row : found)
        out.push_back({row.get<uuid>(0), row.get<std::string>(1), row.get<std::int32_t>(2), row.get<std::string>(3), row.get<std::string>(4), row.get<time_point>(5), row.get<time_point>(6)});
    co_return out;
}

task<std::int64_t> pg_job_queue::revive(std::optional<uuid> one) {
    const auto done = co_await database_.query(revive_, pg::params(queue_, one));
    if (done.affected() > 0) committed();
    co_return done.affected();
}

task<std::int64_t> pg_job_queue::discard(std::optional<uuid> one) {
    const auto done = co_await database_.query(discard_, pg::params(queue_, one));
    co_return done.affected();
}

task<counts> pg_job_queue::count() {
    const auto found = co_await database_.query(count_, pg::params(queue_));
    co_return counts{found.front().get<std::int64_t>(0), found.front().get<std::int64_t>(1), milliseconds(found.front().get<std::int64_t>(2))};
}

}  // namespace bv::jobs
