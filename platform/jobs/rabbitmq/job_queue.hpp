// A job queue whose workers are told by RabbitMQ that a job is due, instead of looking for it.
//
// The row is the job, as in pg_job_queue; a message says no more than "look at this row". The relay, one at a time among the
// processes, sends a message for each row that none was told of: to the work queue, or to the tier whose time ends when the row is
// due. Once RabbitMQ has confirmed it the row is noted as told. A worker that gets the message claims the row, if it is there and
// due; else the message was a repeat, or came early, and is acknowledged. So a message may come twice, late or never: what is
// overdue while the work queue is empty is told again, and nothing rests on the broker but when a worker looks.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/jobs/pg_job_queue.hpp"
#include "platform/jobs/rabbitmq/consumer.hpp"
#include "platform/jobs/rabbitmq/publisher.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/leased_job.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::jobs::rabbitmq {

struct job_queue_options {
    server at;
    shape made;                          // its queue is the jobs', its tiers are the policy's delays
    std::uint16_t prefetch = 200;        // messages that this process has in hand, at most
    std::size_t batch = 256;             // messages that are confirmed together
    milliseconds poll{200};              // for rows that other processes added
    milliseconds overdue{10'000};        // so long after it was due and told, a row is told again
    milliseconds look_every{1'000};      // at the work queue's length
    storage::lease_terms turn{};         // of the relay
};

class job_queue final : public pg_job_queue {
public:
    // All outlive it; the executor runs on one thread. Throws what topology's and pg_job_queue's constructors throw.
    job_queue(pg::database&, std::string_view schema, policy, job_queue_options, storage::lease_store&, asio::any_io_executor, clock&, rng&);
    ~job_queue() override;

    // Returns at once, whether or not RabbitMQ is there.
    task<void> start() override;
    task<void> stop() override;
    [[nodiscard]] std::string trouble() const override;
    void committed() noexcept override;
    task<std::vector<job>> claim(int limit) override;
    void let_go(const std::vector<job>&) noexcept override;

private:
    using tokens = std::vector<consumer::token>;
    using heard = std::vector<consumer::announcement>;
    task<void> relay();
    task<bool> tell_some();
    task<void> tell_overdue();
    task<std::vector<job>> claim_of(const heard&);
    task<void> tell_anew(const heard&);

    [[nodiscard]] telemetry::span span_of(const message&) const;

    const std::string service_;
    const job_queue_options options_;
    const topology topology_;
    const asio::any_io_executor home_;
    clock& clock_;
    publisher publisher_;
    consumer consumer_;
    const std::shared_ptr<signal> work_;
    storage::leased_job telling_;
    std::mutex mutex_;
    std::map<uuid, tokens> in_hand_;
    steady_point looked_for_overdue_{};
    std::atomic<bool> ending_{false};
    scope tasks_{"jobs"};
    const pg::statement untold_, mark_told_, overdue_, claim_told_, put_off_;
};

}  // namespace bv::jobs::rabbitmq
