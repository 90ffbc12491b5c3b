#include "app/mail_jobs.hpp"

#include <fmt/format.h>

#include "app/modules.hpp"
#include "platform/jobs/rabbitmq/job_queue.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::app {

namespace {

constexpr milliseconds count_every{2'000};

jobs::rabbitmq::job_queue_options rabbitmq_options(const process& p) {
    const auto& c = p.settings;
    jobs::rabbitmq::job_queue_options o;
    for (const auto& e : p.rabbitmq.endpoints) {
        auto at = jobs::rabbitmq::parse_address(e);
        if (!at) throw failure(std::move(at.error()));
        o.at.endpoints.push_back(std::move(*at));
    }
    o.at.user = p.rabbitmq.user;
    o.at.password = p.rabbitmq.password;
    o.at.tls = p.rabbitmq.tls;
    o.at.vhost = c.get<std::string>("rabbitmq.vhost");
    o.at.ca_file = c.get<std::string>("rabbitmq.ca_file");
    o.at.heartbeat = c.get<seconds>("rabbitmq.heartbeat");
    o.made.prefix = c.get<std::string>("rabbitmq.prefix");
    o.made.queue = mail_jobs::name;
    o.made.most = c.get<std::int64_t>("rabbitmq.most_messages");
    o.made.delivery_limit = c.get<std::int64_t>("rabbitmq.delivery_limit");
    o.made.replicas = c.get<int>("rabbitmq.replicas");
    o.prefetch = c.get<std::uint16_t>("rabbitmq.prefetch");
    o.turn.life = c.get<milliseconds>("leases.life");
    return o;
}

std::unique_ptr<jobs::job_queue> make_queue(const process& p, pg::database& db, pg::lease_store& leases) {
    if (p.rabbitmq.endpoints.empty()) return std::make_unique<jobs::pg_job_queue>(db, "notification", std::string(mail_jobs::name), notification::mail_policy);
    return std::make_unique<jobs::rabbitmq::job_queue>(db, "notification", notification::mail_policy, rabbitmq_options(p), leases, p.runtime.context(p.runtime.cores() - 1).get_executor(),
                                                       p.clock, p.rng);
}

}  // namespace

mail_jobs::mail_jobs(const process& p, pg::database& db) : process_(p), leases_(db, "notification"), queue_(make_queue(p, db, leases_)) {}
mail_jobs::~mail_jobs() = default;

task<void> mail_jobs::start() {
    co_await queue_->start();
    counting_.spawn(process_.runtime.context(process_.runtime.cores() - 1).get_executor(), keep_count());
}

task<void> mail_jobs::stop() {
    counting_.stop();
    co_await counting_.join();
    co_await queue_->stop();
}

task<void> mail_jobs::keep_count() {
    auto& waiting = telemetry::measure("bv_jobs_waiting", "Jobs that are neither done nor dead", {{"queue", name}});
    auto& dead = telemetry::measure("bv_jobs_dead", "Jobs that were given up", {{"queue", name}});
    auto& overdue = telemetry::measure("bv_jobs_overdue_seconds", "How long the job that is due longest has waited for a worker", {{"queue", name}});
    while (!counting_.stopping()) {
        try {
            const auto now = co_await queue_->count();
            waiting_ = now.waiting;
            dead_ = now.dead;
            waiting.set(static_cast<double>(now.waiting));
            dead.set(static_cast<double>(now.dead));
            overdue.set(std::chrono::duration<double>(now.overdue).count());
        } catch (const failure&) {
            // The database is away, and says so itself.
        }
        co_await process_.clock.sleep_for(count_every);
    }
}

bv::module mail_jobs::lifecycle() {
    return {.name = "jobs", .needs = {"database"}, .start = [this] { return start(); }, .stop = [this] { return stop(); }, .degraded = [this] { return queue_->trouble(); }};
}

}  // namespace bv::app
