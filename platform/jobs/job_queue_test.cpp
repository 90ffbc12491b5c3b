// Every queue that needs no broker.
#include <deque>

#include "platform/jobs/memory_job_queue.hpp"
#include "platform/jobs/pg_job_world.hpp"

namespace bv::jobs {
namespace {

class memory_job_world final : public job_world {
public:
    storage::transactor& db() override { return client_; }
    job_queue& make(policy p) override { return made_.emplace_back(tables_, client_, std::move(p), system_clock()); }
    void run(std::function<task<void>(job_world&)> body) override { testing::run(with_queues(std::move(body))); }

private:
    // A queue knows signals of the threads that use it, and lives no longer than they do.
    task<void> with_queues(std::function<task<void>(job_world&)> body) {
        co_await body(*this);
        made_.clear();
    }

    memory::database database_;
    memory_jobs tables_;
    memory::client client_{database_, system_clock(), system_rng()};
    std::deque<memory_job_queue> made_;
};

std::unique_ptr<job_world> make_memory_job_world() { return std::make_unique<memory_job_world>(); }
std::unique_ptr<job_world> make_pg_job_world() { return std::make_unique<pg_job_world>(); }
INSTANTIATE_TEST_SUITE_P(memory, job_contract, ::testing::Values(make_memory_job_world));
INSTANTIATE_TEST_SUITE_P(postgres, job_contract, ::testing::Values(make_pg_job_world));

constexpr pg::statement tell_all{"test.tell_all", "UPDATE shop.jobs SET told_at = now()"};

TEST(pg_job_queue_, takes_over_what_a_broker_was_told_of) {
    pg_job_world world;
    world.run([](job_world& w) -> task<void> {
        using namespace contract;
        auto& before = w.make(patient);
        co_await enqueue(w, before, {named("a")});
        co_await static_cast<pg_job_world&>(w).database().query(tell_all);
        EXPECT_TRUE((co_await before.claim(10)).empty()) << "its message is the broker's";
        auto after = co_await at_work(w);
        EXPECT_EQ((co_await after.next()).size(), 1U);
    });
}

TEST(pg_job_queue_, refuses_a_policy_that_never_tries) {
    pg_job_world world;
    world.run([](job_world& w) -> task<void> {
        EXPECT_THROW(w.make({.attempts = 0}), failure);
        EXPECT_THROW(w.make({.delays = {}}), failure);
        co_return;
    });
}

}  // namespace
}  // namespace bv::jobs
