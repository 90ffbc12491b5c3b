#include "platform/storage/postgres/job_queue.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/storage/postgres/schema_statement.hpp"

namespace bv::pg {
namespace {

double in_seconds(milliseconds d) { return std::chrono::duration<double>(d).count(); }

void expect_held(const rows& touched, const job& j) {
    if (touched.affected() == 1) return;
    throw failure(code::aborted, "JOB_LEASE_LOST", fmt::format("job {} ({}) was taken over by another worker: its lease had run out", j.id.str(), j.kind));
}

}  // namespace

job_queue::job_queue(database& db, std::string_view schema, std::string queue, settings s)
    : database_(db),
      queue_(std::move(queue)),
      settings_(s),
      enqueue_(statement_in(schema, "jobs.enqueue", R"(
INSERT INTO {{schema}}.jobs (id, queue, kind, payload, actor, traceparent, max_attempts, due_at)
VALUES ($1, $2, $3, $4, platform.current_actor(), platform.current_traceparent(), $5, now() + make_interval(secs => $6))
ON CONFLICT (id) DO NOTHING)")),
      give_up_(statement_in(schema, "jobs.give_up", R"(
UPDATE {{schema}}.jobs
SET dead_at = now(), last_error = 'its worker ended or was too slow at the last attempt: ' || last_error
WHERE queue = $1 AND dead_at IS NULL AND due_at <= now() AND attempts >= max_attempts)")),
      claim_(statement_in(schema, "jobs.claim", R"(
WITH due AS (
    SELECT id FROM {{schema}}.jobs
    WHERE queue = $1 AND dead_at IS NULL AND due_at <= now() AND attempts < max_attempts
    ORDER BY due_at, id LIMIT $2
    FOR UPDATE SKIP LOCKED)
UPDATE {{schema}}.jobs AS j
SET attempts = attempts + 1, due_at = now() + make_interval(secs => $3)
FROM due WHERE j.id = due.id
RETURNING j.id, kind, payload, attempts, max_attempts, actor, traceparent, created_at)")),
      complete_(statement_in(schema, "jobs.complete", R"(
DELETE FROM {{schema}}.jobs WHERE id = $1 AND attempts = $2 AND dead_at IS NULL)")),
      retry_(statement_in(schema, "jobs.retry", R"(
UPDATE {{schema}}.jobs
SET due_at = now() + make_interval(secs => $3), last_error = $4,
    dead_at = CASE WHEN attempts >= max_attempts THEN now() END
WHERE id = $1 AND attempts = $2 AND dead_at IS NULL
RETURNING dead_at IS NULL)")),
      bury_(statement_in(schema, "jobs.bury", R"(
UPDATE {{schema}}.jobs SET dead_at = now(), last_error = $3
WHERE id = $1 AND attempts = $2 AND dead_at IS NULL)")),
      dead_(statement_in(schema, "jobs.dead", R"(
SELECT id, kind, attempts, dead_at, last_error FROM {{schema}}.jobs
WHERE queue = $1 AND dead_at IS NOT NULL ORDER BY dead_at LIMIT $2)")),
      revive_(statement_in(schema, "jobs.revive", R"(
UPDATE {{schema}}.jobs SET dead_at = NULL, attempts = 0, due_at = now()
WHERE id = $1 AND queue = $2 AND dead_at IS NOT NULL)")),
      depth_(statement_in(schema, "jobs.depth", R"(
SELECT count(*) FROM {{schema}}.jobs WHERE queue = $1 AND dead_at IS NULL)")) {}

milliseconds job_queue::pause_after(int attempt) const {
    const auto full = std::min(settings_.max_delay, settings_.first_delay * (std::int64_t{1} << std::clamp(attempt - 1, 0, 20)));
    return full / 2 + milliseconds(system_rng().below(static_cast<std::uint64_t>(full.count() / 2 + 1)));
}

task<bool> job_queue::enqueue(storage::unit_of_work& uow, new_job j) {
    const auto done = co_await of(uow).query(
        enqueue_, params(j.id, queue_, j.kind, bytes{std::move(j.payload)}, static_cast<std::int32_t>(j.max_attempts), in_seconds(j.delay)));
    co_return done.affected() == 1;
}

task<std::vector<job>> job_queue::claim(std::int64_t limit) {
    co_await database_.query(give_up_, params(queue_));
    const auto found = co_await database_.query(claim_, params(queue_, limit, in_seconds(settings_.lease)));
    std::vector<job> out;
    for (const auto row : found) {
        auto& j = out.emplace_back();
        j.id = row.get<uuid>(0);
        j.kind = row.get<std::string>(1);
        j.payload = row.get<bytes>(2).data;
        j.attempt = row.get<std::int32_t>(3);
        j.max_attempts = row.get<std::int32_t>(4);
        j.actor = row.get<std::string>(5);
        j.traceparent = row.get<std::string>(6);
        j.created_at = row.get<time_point>(7);
    }
    co_return out;
}

task<void> job_queue::complete(storage::unit_of_work& uow, const job& j) {
    expect_held(co_await of(uow).query(complete_, params(j.id, static_cast<std::int32_t>(j.attempt))), j);
}

task<bool> job_queue::retry(storage::unit_of_work& uow, const job& j, std::string error) {
    const auto touched = co_await of(uow).query(
        retry_, params(j.id, static_cast<std::int32_t>(j.attempt), in_seconds(pause_after(j.attempt)), error));
    expect_held(touched, j);
    co_return touched.front().get<bool>(0);
}

task<void> job_queue::bury(storage::unit_of_work& uow, const job& j, std::string error) {
    expect_held(co_await of(uow).query(bury_, params(j.id, static_cast<std::int32_t>(j.attempt), error)), j);
}

task<std::vector<dead_job>> job_queue::dead(std::int64_t limit) {
    const auto found = co_await database_.query(dead_, params(queue_, limit));
    std::vector<dead_job> out;
    for (const auto row : found) {
        out.push_back({row.get<uuid>(0), row.get<std::string>(1), row.get<std::int32_t>(2), row.get<time_point>(3), row.get<std::string>(4)});
    }
    co_return out;
}

task<bool> job_queue::revive(uuid id) {
    const auto done = co_await database_.query(revive_, params(id, queue_));
    co_return done.affected() == 1;
}

task<std::int64_t> job_queue::depth() {
    const auto found = co_await database_.query(depth_, params(queue_));
    co_return found.front().get<std::int64_t>(0);
}

}  // namespace bv::pg
