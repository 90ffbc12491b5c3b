#include "platform/jobs/rabbitmq/job_queue.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/storage/postgres/schema_statement.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::jobs::rabbitmq {
namespace {

shape shape_of(shape s, const policy& p) {
    s.tiers = p.delays;
    std::ranges::sort(s.tiers);
    s.tiers.erase(std::ranges::unique(s.tiers).begin(), s.tiers.end());
    return s;
}

double in_seconds(milliseconds d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

job_queue::job_queue(pg::database& db, std::string_view schema, policy p, job_queue_options o, storage::lease_store& leases, asio::any_io_executor home, clock& c, rng& r)
    : pg_job_queue(db, schema, o.made.queue, p), service_(schema), options_(std::move(o)), topology_(shape_of(options_.made, p)), home_(std::move(home)), clock_(c),
      publisher_(options_.at, topology_, fmt::format("jobs of {}: relay", options_.made.queue), options_.look_every, c, r),
      consumer_(options_.at, topology_, fmt::format("jobs of {}: workers", options_.made.queue), options_.prefetch, [this] { wake(); }, c, r),
      work_(std::make_shared<signal>(home_, c)),
      telling_(leases, storage::named("jobs:" + options_.made.queue, options_.turn), [this](const storage::tenure&) { return relay(); }, home_, c, r),
      untold_(pg::statement_in(schema, "jobs.untold", R"(
SELECT id, kind, traceparent, attempts, due_at, ceil(extract(epoch FROM due_at - now()) * 1000)::bigint
  FROM {{schema}}.jobs
 WHERE queue = $1 AND told_at IS NULL AND dead_at IS NULL
 ORDER BY due_at, id LIMIT $2)")),
      // Of rows that are as they were when they were read: one that was claimed meanwhile has its message already.
      mark_told_(pg::statement_in(schema, "jobs.mark_told", R"(
WITH told AS (
    SELECT j.id
      FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[]) AS t(id, attempts, due_at)
      JOIN {{schema}}.jobs j ON j.id = t.id AND j.attempts = t.attempts AND j.due_at = t.due_at
     WHERE j.told_at IS NULL AND j.dead_at IS NULL
     ORDER BY j.id
       FOR UPDATE OF j)
UPDATE {{schema}}.jobs j SET told_at = now() FROM told WHERE j.id = told.id)")),
      overdue_(pg::statement_in(schema, "jobs.overdue", R"(
WITH late AS (
    SELECT id FROM {{schema}}.jobs
     WHERE queue = $1 AND told_at IS NOT NULL AND dead_at IS NULL AND due_at < now() - make_interval(secs => $2) AND told_at < now() - make_interval(secs => $2)
     ORDER BY due_at, id LIMIT 1000
       FOR UPDATE SKIP LOCKED)
UPDATE {{schema}}.jobs j SET told_at = NULL FROM late WHERE j.id = late.id)")),
      claim_told_(pg::statement_in(schema, "jobs.claim_told", R"(
WITH due AS (
    SELECT id FROM {{schema}}.jobs
     WHERE id = ANY($1::uuid[]) AND queue = $2 AND dead_at IS NULL AND due_at <= now()
     ORDER BY id
       FOR UPDATE)
UPDATE {{schema}}.jobs AS j
   SET attempts = attempts + 1, due_at = now() + make_interval(secs => $3), told_at = now()
  FROM due WHERE j.id = due.id
RETURNING j.id, kind, payload, attempts, traceparent, created_at)")),
      // due_at is moved so that the relay, should it be about to note the row as told, does not.
      put_off_(pg::statement_in(schema, "jobs.put_off", R"(
WITH early AS (
    SELECT id FROM {{schema}}.jobs
     WHERE id = ANY($1::uuid[]) AND queue = $2 AND dead_at IS NULL
     ORDER BY id
       FOR UPDATE)
UPDATE {{schema}}.jobs j SET told_at = NULL, due_at = due_at + interval '1 microsecond' FROM early WHERE j.id = early.id)")) {}

job_queue::~job_queue() = default;

task<void> job_queue::start() {
    publisher_.start();
    consumer_.start();
    tasks_.spawn(home_, telling_.run());
    co_return;
}

task<void> job_queue::stop() {
    ending_ = true;
    telling_.halt();
    work_->notify();
    tasks_.stop();
    co_await tasks_.join();
    consumer_.halt();
    publisher_.halt();
    consumer_.stop();
    publisher_.stop();
}

std::string job_queue::trouble() const {
    if (const auto held = publisher_.held_back(); !held.empty()) return fmt::format("RabbitMQ takes no messages: {}; new jobs wait", held);
    for (const auto* l : {static_cast<const link*>(&publisher_), static_cast<const link*>(&consumer_)})
        if (const auto why = l->trouble(); !why.empty()) return why + "; jobs wait";
    return {};
}

void job_queue::committed() noexcept { work_->notify(); }

task<void> job_queue::relay() {
    while (!ending_) {
        const bool more = co_await tell_some();
        if (!more && !ending_) co_await work_->wait_for(options_.poll);
    }
}

// From its sending to the server's confirmation; below it is the span of the worker who hears it.
telemetry::span job_queue::span_of(const message& m) const {
    namespace semconv = telemetry::semconv;
    const auto trace = telemetry::span_context::parse(m.traceparent);
    if (!trace.sampled) return {};
    telemetry::span out("publish " + m.type, telemetry::span_kind::producer, trace);
    out.set(semconv::service_name, service_);
    out.set(semconv::messaging_system, "rabbitmq");
    out.set(semconv::messaging_operation_type, "publish");
    out.set(semconv::messaging_destination_name, m.exchange);
    out.set(semconv::messaging_rabbitmq_routing_key, m.key);
    out.set(semconv::messaging_message_id, m.id);
    return out;
}

// True when there may be more at once.
task<bool> job_queue::tell_some() {
    if (!publisher_.trouble().empty()) co_return false;
    co_await tell_overdue();
    const auto rows = co_await database().query(untold_, pg::params(name(), static_cast<std::int64_t>(options_.batch)));
    if (rows.empty()) co_return false;
    std::vector<message> messages;
    for (const auto row : rows)
        messages.push_back({topology_.exchange(), topology_.key_after(milliseconds(row.get<std::int64_t>(5))), row.get<uuid>(0).str(), row.get<std::string>(1), row.get<std::string>(2)});
    std::vector<telemetry::span> spans;
    for (auto& m : messages)
        if (const auto& own = spans.emplace_back(span_of(m)).context(); own.sampled) m.traceparent = own.traceparent();
    std::vector<bool> taken(messages.size(), false);
    bool lost = false;
    try {
        taken = co_await publisher_.publish(std::move(messages));
    } catch (const failure&) {
        lost = true;  // the link says why, and the rows are as they were
    }
    for (std::size_t i = 0; i < spans.size(); ++i)
        if (taken[i]) spans[i].end();
        else spans[i].fail("not confirmed: it is told again");
    if (lost) co_return false;
    std::vector<uuid> ids;
    std::vector<std::int32_t> attempts;
    std::vector<time_point> due;
    for (int i = 0; i < rows.size(); ++i) {
        if (!taken[static_cast<std::size_t>(i)]) continue;
        ids.push_back(rows[i].get<uuid>(0));
        attempts.push_back(rows[i].get<std::int32_t>(3));
        due.push_back(rows[i].get<time_point>(4));
    }
    if (!ids.empty()) co_await database().query(mark_told_, pg::params(ids, attempts, due));
    // What was refused waits for room in the queue.
    co_return ids.size() == options_.batch;
}

// Messages that RabbitMQ lost, or that were acknowledged by a worker that did not finish: nobody else would say that the job is due.
task<void> job_queue::tell_overdue() {
    if (publisher_.ready() != 0 || clock_.steady_now() - looked_for_overdue_ < options_.look_every) co_return;
    looked_for_overdue_ = clock_.steady_now();
    const auto late = co_await database().query(overdue_, pg::params(name(), in_seconds(options_.overdue)));
    if (late.affected() > 0) telemetry::count("bv_jobs_told_again_total", "Jobs whose message did not lead to their end", {{"queue", name()}}).add(static_cast<std::uint64_t>(late.affected()));
}

task<std::vector<job>> job_queue::claim(int limit) {
    std::vector<job> out;
    for (auto some = consumer_.take(static_cast<std::size_t>(limit)); out.empty() && !some.empty();) {
        std::exception_ptr broken;
        try {
            co_await tell_anew(some);
            out = co_await claim_of(some);
        } catch (...) {
            broken = std::current_exception();
        }
        if (broken) {
            consumer_.put_back(std::move(some));
            std::rethrow_exception(broken);
        }
        if (out.empty()) some = consumer_.take(static_cast<std::size_t>(limit));
    }
    co_return out;
}

task<std::vector<job>> job_queue::claim_of(const heard& some) {
    std::map<uuid, tokens> messages;
    std::map<uuid, telemetry::span_context> told;
    for (const auto& a : some) {
        if (a.dead) continue;
        messages[a.job].push_back(a.message);
        told[a.job] = telemetry::span_context::parse(a.traceparent);
    }
    std::vector<job> out;
    if (messages.empty()) co_return out;
    std::vector<uuid> ids;
    for (const auto& [id, _] : messages) ids.push_back(id);
    const auto rows = co_await database().query(claim_told_, pg::params(ids, name(), in_seconds(rules().lease)));
    std::set<uuid> claimed;
    for (const auto row : rows) claimed.insert(row.get<uuid>(0));
    std::erase_if(ids, [&](const uuid& id) { return claimed.contains(id); });
    if (!ids.empty()) co_await database().query(put_off_, pg::params(ids, name()));
    out = co_await with_attempts_left(rows);
    {
        const std::lock_guard hold(mutex_);
        for (auto& j : out) {
            const auto& by = told[j.id];
            if (by.valid() && by.trace_id == telemetry::span_context::parse(j.traceparent).trace_id) j.traceparent = by.traceparent();
            auto& hand = in_hand_[j.id];
            const auto these = messages.extract(j.id);
            hand.insert(hand.end(), these.mapped().begin(), these.mapped().end());
        }
    }
    tokens over;
    for (const auto& [_, these] : messages) over.insert(over.end(), these.begin(), these.end());
    consumer_.acknowledge(over);
    co_return out;
}

// Of messages that RabbitMQ gave up. Workers that ended with them had not claimed their jobs, whose claims are counted in the row: a worker
// that claims one, and ends of it, leaves a message that comes early, and another one is sent.
task<void> job_queue::tell_anew(const heard& some) {
    std::vector<uuid> ids;
    tokens messages;
    for (const auto& a : some) {
        if (!a.dead) continue;
        ids.push_back(a.job);
        messages.push_back(a.message);
    }
    if (ids.empty()) co_return;
    const auto again = co_await database().query(put_off_, pg::params(ids, name()));
    if (again.affected() > 0) telemetry::warn("jobs.told_anew", {{"queue", name()}, {"jobs", again.affected()}});
    consumer_.acknowledge(messages);
}

void job_queue::let_go(const std::vector<job>& some) noexcept {
    tokens over;
    {
        const std::lock_guard hold(mutex_);
        for (const auto& j : some)
            if (const auto these = in_hand_.extract(j.id)) over.insert(over.end(), these.mapped().begin(), these.mapped().end());
    }
    consumer_.acknowledge(over);
}

}  // namespace bv::jobs::rabbitmq
