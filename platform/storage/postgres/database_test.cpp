// Statements, transactions, identity and errors.
#include "platform/storage/postgres/database.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;
using ::testing::HasSubstr;
using ::testing::Not;

PG_TEST(transactions, commit_what_they_wrote_and_roll_back_what_threw) {
    co_await sql(db, "CREATE TABLE wrote (n int8 PRIMARY KEY)");
    static constexpr statement insert{"wrote.insert", "INSERT INTO wrote VALUES ($1)"};
    static constexpr statement count{"wrote.count", "SELECT count(*) FROM wrote"};
    struct body {
        static task<void> of_one(storage::unit_of_work& uow, std::int64_t n, bool fails) {
            const auto done = co_await of(uow).query(insert, params(n));
            EXPECT_EQ(done.affected(), 1);
            if (fails) throw std::runtime_error("not today");
        }
    };
    co_await db.run({}, [](storage::unit_of_work& uow) { return body::of_one(uow, 1, false); });
    bool threw = false;
    try {
        co_await db.run({}, [](storage::unit_of_work& uow) { return body::of_one(uow, 2, true); });
    } catch (const std::runtime_error& e) {
        threw = std::string(e.what()) == "not today";
    }
    EXPECT_TRUE(threw);
    EXPECT_EQ((co_await db.query(count)).front().get<std::int64_t>(0), 1);
    EXPECT_EQ(db.stats().open, 1) << "the rolled back connection is used again";
}

constexpr statement read_identity{"identity.read", "SELECT current_setting('bv.actor'), current_setting('bv.customer'), "
                                                   "current_setting('bv.all_customers'), current_setting('bv.traceparent')"};

task<void> expect_identity(storage::unit_of_work& uow, storage::identity who) {
    const auto found = co_await of(uow).query(read_identity);
    const auto row = found.front();
    EXPECT_EQ(row.get<std::string>(0), who.actor);
    EXPECT_EQ(row.get<std::string>(1), who.customer ? who.customer->str() : "");
    EXPECT_EQ(row.get<std::string>(2), who.all_customers ? "true" : "false");
    EXPECT_EQ(row.get<std::string>(3), who.traceparent);
}

PG_TEST(transactions, run_as_the_callers_identity_and_forget_it) {
    const storage::identity customer{"user:1", uuid::named("customer"), false, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
    co_await db.run({.identity = customer}, [&](storage::unit_of_work& uow) { return expect_identity(uow, customer); });
    const auto platform = storage::system_identity("service:order");
    co_await db.run({.identity = platform}, [&](storage::unit_of_work& uow) { return expect_identity(uow, platform); });
    const auto alone = co_await db.query_as(customer, read_identity);
    EXPECT_EQ(alone.front().get<std::string>(0), "user:1");
    static constexpr statement after{"identity.after", "SELECT coalesce(current_setting('bv.actor', true), '')"};
    EXPECT_EQ((co_await db.query(after)).front().get<std::string>(0), "");
}

task<void> read_mode(storage::unit_of_work& uow, std::string* isolation, std::string* read_only) {
    static constexpr statement mode{"mode.read", "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"};
    const auto found = co_await of(uow).query(mode);
    *isolation = found.front().get<std::string>(0);
    *read_only = found.front().get<std::string>(1);
}

PG_TEST(transactions, have_the_isolation_asked_for) {
    using enum storage::isolation;
    for (const auto& [level, name] : {std::pair{read_committed, "read committed"}, {repeatable_read, "repeatable read"}, {serializable, "serializable"}}) {
        for (const bool ro : {false, true}) {
            std::string isolation, read_only;
            co_await db.run({.isolation = level, .read_only = ro}, [&](storage::unit_of_work& uow) { return read_mode(uow, &isolation, &read_only); });
            EXPECT_EQ(isolation, name);
            EXPECT_EQ(read_only, ro ? "on" : "off");
        }
    }
}

task<std::int64_t> answer(storage::unit_of_work& uow) {
    static constexpr statement one{"answer", "SELECT 42::int8"};
    const auto found = co_await of(uow).query(one);
    co_return found.front().get<std::int64_t>(0);
}
task<void> nothing(storage::unit_of_work&) { co_return; }

PG_TEST(transactions, give_back_what_the_work_returns_and_may_be_empty) {
    EXPECT_EQ(co_await db.transact({}, answer), 42);
    co_await db.run({}, nothing);
    EXPECT_EQ(co_await db.transact({}, answer), 42);
}

constexpr statement insert_queued{"queued.insert", "INSERT INTO queued VALUES ($1)"};
constexpr statement count_queued{"queued.count", "SELECT count(*) FROM queued"};

task<std::int64_t> send_then_count(storage::unit_of_work& uow, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) of(uow).send(insert_queued, params(i));
    const auto found = co_await of(uow).query(count_queued);
    co_return found.front().get<std::int64_t>(0);
}
task<void> send_duplicate(storage::unit_of_work& uow, bool then_query) {
    of(uow).send(insert_queued, params(std::int64_t{0}));
    of(uow).send(insert_queued, params(std::int64_t{-1}));
    if (then_query) {
        co_await of(uow).query(count_queued);
        ADD_FAILURE() << "the error of a queued statement surfaces at the next awaited one";
    }
}
task<void> send_then_throw(storage::unit_of_work& uow) {
    of(uow).send(insert_queued, params(std::int64_t{-1}));
    of(uow).send(insert_queued, params(std::int64_t{0}));
    throw std::runtime_error("changed its mind");
    co_return;
}

PG_TEST(pipelines, run_what_was_queued_before_the_awaited_statement) {
    co_await sql(db, "CREATE TABLE queued (n int8 PRIMARY KEY)");
    EXPECT_EQ(co_await db.transact({}, [](storage::unit_of_work& uow) { return send_then_count(uow, 5'000); }), 5'000);
    for (const bool then_query : {true, false}) {
        const auto e = co_await failure_of(db.run({}, [&](storage::unit_of_work& uow) { return send_duplicate(uow, then_query); }));
        EXPECT_EQ(e.code, code::already_exists);
        EXPECT_THAT(e.message, HasSubstr("queued.insert"));
    }
    bool threw = false;
    try {
        co_await db.run({}, send_then_throw);
    } catch (const std::runtime_error&) {
        threw = true;
    }
    EXPECT_TRUE(threw);
    EXPECT_EQ((co_await db.query(count_queued)).front().get<std::int64_t>(0), 5'000);
    EXPECT_EQ(db.stats().open, 1) << "the connection is in step after each of these";
}

task<void> swallow(storage::unit_of_work& uow) {
    static constexpr statement insert{"ignored.insert", "INSERT INTO ignored VALUES (1)"};
    try {
        co_await of(uow).query(insert);
        co_await of(uow).query(insert);
    } catch (const sql_error& e) {
        EXPECT_TRUE(e.is_unique_violation());
        EXPECT_EQ(e.constraint(), "ignored_pkey");
    }
}

PG_TEST(transactions, do_not_pretend_to_commit_after_an_ignored_error) {
    co_await sql(db, "CREATE TABLE ignored (n int8 PRIMARY KEY)");
    const auto e = co_await failure_of(db.run({}, swallow));
    EXPECT_EQ(e.reason, "TRANSACTION_FAILED");
}

PG_TEST(errors, name_the_statement_and_never_its_values) {
    static constexpr statement cast{"cast.number", "SELECT $1::text::int8"};
    const auto e = co_await failure_of(ignore(db.query(cast, params("secret"))));
    EXPECT_EQ(e.code, code::invalid_argument);
    EXPECT_THAT(e.message, HasSubstr("cast.number"));
    EXPECT_THAT(e.message, Not(HasSubstr("secret")));
    static constexpr statement broken{"broken", "SELEC 1"};
    for (int i = 0; i < 2; ++i) {
        const auto wrong = co_await failure_of(ignore(db.query(broken)));
        EXPECT_EQ(wrong.code, code::internal);
        EXPECT_THAT(wrong.message, HasSubstr("syntax error"));
    }
    EXPECT_EQ(co_await db.transact({}, answer), 42);
}

PG_TEST(statements, refuse_parameters_of_another_type_than_at_first) {
    static constexpr statement echo{"echo.one_type", "SELECT $1::int8"};
    co_await db.query(echo, params(std::int64_t{1}));
    bool refused = false;
    try {
        co_await db.query(echo, params(std::int32_t{1}));
    } catch (const std::logic_error&) {
        refused = true;
    }
    EXPECT_TRUE(refused);
    EXPECT_EQ((co_await db.query(echo, params(std::int64_t{2}))).front().get<std::int64_t>(0), 2);
}

constexpr statement read_counter{"counter.read", "SELECT n FROM counter"};
constexpr statement write_counter{"counter.write", "UPDATE counter SET n = $1"};

// Reads, lets another transaction in between, writes: a conflict at the first try only.
task<void> read_then_write(storage::unit_of_work& uow, database& other, int* tries) {
    const auto found = co_await of(uow).query(read_counter);
    const auto n = found.front().get<std::int64_t>(0);
    if (++*tries == 1) co_await other.query(write_counter, params(n + 10));
    co_await of(uow).query(write_counter, params(n + 1));
}
task<void> always_conflict(storage::unit_of_work& uow, database& other, int* tries) {
    ++*tries;
    const auto found = co_await of(uow).query(read_counter);
    co_await other.query(write_counter, params(found.front().get<std::int64_t>(0) + 1));
    co_await of(uow).query(write_counter, params(std::int64_t{0}));
}

PG_TEST(conflicts, are_retried_on_a_fresh_view_of_the_data) {
    co_await sql(db, "CREATE TABLE counter (n int8 NOT NULL); INSERT INTO counter VALUES (0)");
    int tries = 0;
    co_await db.run({.isolation = storage::isolation::repeatable_read}, [&](storage::unit_of_work& uow) { return read_then_write(uow, db, &tries); });
    EXPECT_EQ(tries, 2);
    EXPECT_EQ((co_await db.query(read_counter)).front().get<std::int64_t>(0), 11);
    tries = 0;
    const auto e = co_await failure_of(db.run({.isolation = storage::isolation::serializable, .attempts = 3},
                                              [&](storage::unit_of_work& uow) { return always_conflict(uow, db, &tries); }));
    EXPECT_EQ(e.code, code::aborted);
    EXPECT_EQ(tries, 3);
}

constexpr statement lock_row{"locks.lock", "UPDATE locks SET n = n + 1 WHERE id = $1"};

task<void> lock_both(storage::unit_of_work& uow, std::int64_t first, std::int64_t second, meeting* both_hold_one, int* tries) {
    co_await of(uow).execute("SET LOCAL deadlock_timeout = '5ms'");
    co_await of(uow).query(lock_row, params(first));
    ++*tries;
    co_await both_hold_one->arrive();
    co_await of(uow).query(lock_row, params(second));
}

PG_TEST(conflicts, a_deadlock_is_retried) {
    co_await sql(db, "CREATE TABLE locks (id int8 PRIMARY KEY, n int8 NOT NULL); INSERT INTO locks VALUES (1, 0), (2, 0)");
    meeting both_hold_one(co_await asio::this_coro::executor, 2);
    int tries = 0;
    co_await (db.run({}, [&](storage::unit_of_work& uow) { return lock_both(uow, 1, 2, &both_hold_one, &tries); }) &&
              db.run({}, [&](storage::unit_of_work& uow) { return lock_both(uow, 2, 1, &both_hold_one, &tries); }));
    EXPECT_EQ(tries, 3);
    static constexpr statement sum{"locks.sum", "SELECT sum(n)::int8 FROM locks"};
    EXPECT_EQ((co_await db.query(sum)).front().get<std::int64_t>(0), 4);
}

PG_TEST(statements, carry_values_larger_than_every_buffer) {
    static constexpr statement echo{"echo.large", "SELECT $1::text || $1::text"};
    const std::string large(20'000'000, 'v');
    const auto found = co_await db.query(echo, params(large));
    EXPECT_EQ(found.front().get<std::string_view>(0).size(), 2 * large.size());
}

}  // namespace
}  // namespace bv::pg
