// COPY, scripts, LISTEN and NOTIFY.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;

constexpr statement count_copied{"copied.count", "SELECT count(*), coalesce(sum(length(t)), 0)::int8 FROM copied"};
constexpr statement insert_copied{"copied.insert", "INSERT INTO copied VALUES ($1, $2)"};

// Gives `lines` numbered lines, then fails when asked to.
struct source {
    int lines;
    bool fails = false;
    int given = 0;
    bool operator()(std::string& out) {
        if (given == lines) {
            if (fails) throw std::runtime_error("the file ended early");
            return false;
        }
        fmt::format_to(std::back_inserter(out), "{}\ttext of line {}\n", given, given);
        ++given;
        return true;
    }
};

task<std::int64_t> copy_between_statements(storage::unit_of_work& uow, source from) {
    auto& tx = of(uow);
    tx.send(insert_copied, params(std::int64_t{-1}, "before"));
    const auto copied = co_await tx.copy_in("COPY copied FROM STDIN", from);
    co_await tx.query(insert_copied, params(std::int64_t{-2}, "after"));
    co_return copied;
}
task<void> copy_line(storage::unit_of_work& uow, std::string line) {
    bool given = false;
    co_await of(uow).copy_in("COPY copied FROM STDIN", [&](std::string& out) {
        if (!std::exchange(given, true)) out = line;
        return false;
    });
}

PG_TEST(copy, loads_rows_within_the_transaction) {
    co_await sql(db, "CREATE TABLE copied (n int8 PRIMARY KEY, t text NOT NULL)");
    const int lines = 200'000;
    EXPECT_EQ(co_await db.transact({}, [&](storage::unit_of_work& uow) { return copy_between_statements(uow, {lines}); }), lines);
    EXPECT_EQ((co_await db.query(count_copied)).front().get<std::int64_t>(0), lines + 2);

    const auto duplicate = co_await failure_of(db.run({}, [](storage::unit_of_work& uow) { return copy_line(uow, "-1\tagain\n"); }));
    EXPECT_EQ(duplicate.code, code::already_exists);
    const auto malformed = co_await failure_of(db.run({}, [](storage::unit_of_work& uow) { return copy_line(uow, "not a number\tx\n"); }));
    EXPECT_EQ(malformed.code, code::invalid_argument);
    bool threw = false;
    try {
        co_await db.run({}, [](storage::unit_of_work& uow) { return ignore(of(uow).copy_in("COPY copied FROM STDIN", source{10, true})); });
    } catch (const std::runtime_error& e) {
        threw = std::string(e.what()) == "the file ended early";
    }
    EXPECT_TRUE(threw);
    EXPECT_EQ((co_await db.query(count_copied)).front().get<std::int64_t>(0), lines + 2) << "nothing of a failed copy stays";
    EXPECT_EQ(db.stats().open, 1) << "the connection is in step after each of these";
}

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
