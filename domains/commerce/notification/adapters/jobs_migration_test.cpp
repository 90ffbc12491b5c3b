// A database from before there were jobs: what was queued then is sent.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "domains/audit/module.hpp"
#include "domains/commerce/notification/module.hpp"
#include "platform/events/migrations.hpp"
#include "platform/jobs/pg_job_queue.hpp"
#include "platform/testing/postgres_fixture.hpp"
#include "platform/testing/run.hpp"

namespace bv::notification {
namespace {

constexpr std::size_t files_before = 2;

void migrate(const bv::testing::test_database& to, bool all) {
    std::vector<embedded_file> platform(pg::platform_migration_files().begin(), pg::platform_migration_files().end());
    platform.insert(platform.end(), events::migration_files().begin(), events::migration_files().end());
    auto own = service::migrations();
    if (!all) own.files = own.files.first(files_before);
    to.migrate(std::array{pg::migration_set{"platform", platform}, pg::migration_set{"log", {}}, audit::service::migrations(), own});
}

task<void> queue_two(storage::unit_of_work* uow) {
    co_await pg::of(*uow).execute(R"(
        INSERT INTO notification.notifications (id, customer_id, order_id, kind, return_id, subject, text, created_at)
        SELECT md5('n' || i)::uuid, md5('c' || i)::uuid, md5('o' || i)::uuid, 1, '', 'subject', 'text', now() FROM generate_series(1, 3) AS i;
        INSERT INTO notification.deliveries (notification_id, status, attempts, next_at, last_error, created_at, updated_at)
        SELECT md5('n' || i)::uuid, CASE i WHEN 3 THEN 2 ELSE 1 END, i, CASE i WHEN 2 THEN now() + interval '1 hour' ELSE now() END, '', now(), now()
          FROM generate_series(1, 3) AS i;)");
}

task<void> queue_as_before(pg::options admin) {
    pg::database db(std::move(admin), system_clock());
    co_await db.run({}, [](storage::unit_of_work& uow) { return queue_two(&uow); });
    co_await db.close();
}

task<void> expect_jobs(pg::options own) {
    pg::database db(std::move(own), system_clock());
    jobs::pg_job_queue mails(db, "notification", "mail", mail_policy);
    EXPECT_EQ((co_await mails.count()).waiting, 2) << "the third was sent";
    const auto due = co_await mails.claim(10);
    EXPECT_EQ(due.size(), 1U) << "the other waits for its time";
    for (const auto& j : due) EXPECT_EQ(j.attempt, 2) << "one was made before";
    co_await db.close();
}

TEST(jobs_migration, makes_jobs_of_what_was_queued) {
    const auto database = bv::testing::postgres::instance().database("before_jobs");
    migrate(database, false);
    bv::testing::run(queue_as_before(database.admin_options()));
    migrate(database, true);
    bv::testing::run(expect_jobs(database.options("bv_notification")));
}

}  // namespace
}  // namespace bv::notification
