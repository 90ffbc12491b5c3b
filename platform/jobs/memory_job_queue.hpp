// Jobs as a table of a memory database: for simulation and tests; one thread.
#pragma once

#include <string>

#include "platform/jobs/job_queue.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::jobs {

// Of one queue.
struct memory_jobs {
    struct row {
        job what;
        steady_point due{};
        std::optional<time_point> dead_at{};
        std::string error{};
    };
    memory::table<uuid, row> rows{};
};

// Times are the clock's steady ones, which all processes share.
class memory_job_queue final : public job_queue {
public:
    // All outlive it.
    memory_job_queue(memory_jobs& t, storage::transactor& db, policy p, clock& c) : tables_(t), db_(db), policy_(std::move(p)), clock_(c) {}

    task<void> start() override { co_return; }
    task<void> stop() override { co_return; }
    [[nodiscard]] std::string trouble() const override { return {}; }
    task<void> enqueue(storage::unit_of_work&, std::vector<new_job>) override;
    void committed() noexcept override {
        if (worker_) worker_->notify();
    }
    task<std::vector<job>> claim(int limit) override;
    void attach(std::shared_ptr<signal> s) override { worker_ = std::move(s); }
    task<std::vector<settled>> finish(storage::unit_of_work&, std::vector<finished>) override;
    void let_go(const std::vector<job>&) noexcept override {}
    task<std::vector<dead_job>> dead(int limit) override;
    task<std::int64_t> revive(std::optional<uuid>) override;
    task<std::int64_t> discard(std::optional<uuid>) override;
    task<counts> count() override;

private:
    using row = memory_jobs::row;
    task<std::vector<job>> claim_in(storage::unit_of_work&, int limit);
    task<std::vector<dead_job>> dead_in(storage::unit_of_work&, int limit);
    // revived: else forgotten.
    task<std::int64_t> answer_in(storage::unit_of_work&, std::optional<uuid>, bool revived);
    task<std::int64_t> answer(std::optional<uuid>, bool revived);
    task<counts> count_in(storage::unit_of_work&);

    memory_jobs& tables_;
    storage::transactor& db_;
    const policy policy_;
    clock& clock_;
    std::shared_ptr<signal> worker_;
};

}  // namespace bv::jobs
