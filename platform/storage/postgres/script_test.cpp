// Scripts, LISTEN and NOTIFY.
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;

PG_TEST(scripts, run_all_statements_or_none) {
    co_await sql(db, "CREATE TABLE script (n int8 PRIMARY KEY); INSERT INTO script VALUES (1); INSERT INTO script VALUES (2)");
    const auto e = co_await failure_of(sql(db, "INSERT INTO script VALUES (3); INSERT INTO script VALUES (1)"));
    EXPECT_EQ(e.code, code::already_exists);
    static constexpr statement count{"script.count", "SELECT count(*) FROM script"};
    EXPECT_EQ((co_await db.query(count)).front().get<std::int64_t>(0), 2);
}

task<void> until_heard(const std::vector<std::pair<std::string, std::string>>* all, std::size_t n) {
    while (all->size() < n) co_await system_clock().sleep_for(milliseconds(1));
}

task<void> notify_and_restart(database& db, const std::vector<std::pair<std::string, std::string>>* all) {
    static constexpr statement notify{"listen.notify", "SELECT pg_notify('Second', $1)"};
    co_await until_heard(all, 2);
    co_await db.query(notify, params("hello"));
    co_await until_heard(all, 3);
    auto& server = testing::postgres::instance();
    server.stop();
    server.start();
    co_await until_heard(all, 5);
    co_await db.query(notify, params("again"));
    co_await until_heard(all, 6);
}

PG_TEST(listen, hears_notifications_also_after_the_server_was_away) {
    std::vector<std::pair<std::string, std::string>> all;
    co_await (db.listen({"first", "Second"}, [&](std::string_view channel, std::string_view payload) { all.emplace_back(channel, payload); }) ||
              notify_and_restart(db, &all));
    using calls = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(all, (calls{{"first", ""}, {"Second", ""}, {"Second", "hello"}, {"first", ""}, {"Second", ""}, {"Second", "again"}}));
}

}  // namespace
}  // namespace bv::pg
