// A database with the jobs of a schema `shop`, and queues over it as its role: for tests.
#pragma once

#include <deque>

#include "platform/jobs/job_contract.hpp"
#include "platform/jobs/pg_job_queue.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/testing/postgres_fixture.hpp"
#include "platform/testing/run.hpp"

namespace bv::jobs {

class pg_job_world : public job_world {
public:
    pg_job_world() { made_.migrate(std::array{pg::migration_set{"platform", pg::platform_migration_files()}, pg::migration_set{"shop", files}}); }

    storage::transactor& db() override { return *db_; }
    job_queue& make(policy p) override { return keep(std::make_unique<pg_job_queue>(*db_, "shop", "letters", std::move(p))); }
    void run(std::function<task<void>(job_world&)> body) override { testing::run(with_database(std::move(body))); }
    pg::database& database() { return *db_; }

protected:
    job_queue& keep(std::unique_ptr<job_queue> q) { return *queues_.emplace_back(std::move(q)); }

private:
    static constexpr std::array files{pg::migration{"0001_shop.sql", "SELECT platform.create_jobs('{{schema}}'); SELECT platform.create_leases('{{schema}}');"}};

    // A database lives no longer than the threads that use it.
    task<void> with_database(std::function<task<void>(job_world&)> body) {
        db_ = std::make_unique<pg::database>(made_.options("bv_shop"), system_clock());
        co_await body(*this);
        for (auto& q : queues_) co_await q->stop();
        queues_.clear();
        co_await db_->close();
        db_.reset();
    }

    testing::test_database made_ = testing::postgres::instance().database("jobs");
    std::unique_ptr<pg::database> db_;
    std::deque<std::unique_ptr<job_queue>> queues_;
};

}  // namespace bv::jobs
