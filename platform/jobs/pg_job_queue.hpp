// Jobs as rows of a service's schema (platform.create_jobs), claimed by any number of workers with FOR UPDATE SKIP LOCKED.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "platform/jobs/job_queue.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::jobs {

class pg_job_queue : public job_queue {
public:
    // The database outlives it. Throws failure INVALID_ARGUMENT "JOB_POLICY" when the policy has no delays or no attempts.
    pg_job_queue(pg::database&, std::string_view schema, std::string queue, policy);

    // What another adapter had told to a broker is nobody's message any more, and is claimed here.
    task<void> start() override;
    task<void> stop() override { co_return; }
    [[nodiscard]] std::string trouble() const override { return {}; }
    task<void> enqueue(storage::unit_of_work&, std::vector<new_job>) override;
    void committed() noexcept override { wake(); }
    task<std::vector<job>> claim(int limit) override;
    void attach(std::shared_ptr<signal>) override;
    task<std::vector<settled>> finish(storage::unit_of_work&, std::vector<finished>) override;
    void let_go(const std::vector<job>&) noexcept override {}
    task<std::vector<dead_job>> dead(int limit) override;
    task<std::int64_t> revive(std::optional<uuid>) override;
    task<std::int64_t> discard(std::optional<uuid>) override;
    task<counts> count() override;

    [[nodiscard]] const std::string& name() const noexcept { return queue_; }

protected:
    void wake() noexcept;
    // Of a claim's rows: those that have attempts left; the others are dead from now on.
    task<std::vector<job>> with_attempts_left(pg::rows);
    [[nodiscard]] pg::database& database() const noexcept { return database_; }
    [[nodiscard]] const policy& rules() const noexcept { return policy_; }

private:
    pg::database& database_;
    const std::string queue_;
    const policy policy_;
    std::mutex mutex_;
    std::shared_ptr<signal> worker_;
    const pg::statement enqueue_, forget_told_, claim_, exhaust_, finish_, dead_, revive_, discard_, count_;
};

}  // namespace bv::jobs
