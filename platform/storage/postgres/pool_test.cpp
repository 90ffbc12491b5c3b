// Connections: bounds, waiting, deadlines, cancellation, loss of the server.
#include <signal.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;
using namespace asio::experimental::awaitable_operators;

options with(int connections, milliseconds patience = milliseconds(2'000), int waiting = 1024) {
    auto o = shared().admin_options();
    o.max_connections_per_core = connections;
    o.acquire_timeout = patience;
    o.max_waiting_per_core = waiting;
    return o;
}

constexpr statement one{"pool.one", "SELECT 1::int8"};
constexpr statement sleep_long{"pool.sleep", "SELECT pg_sleep(600)"};
constexpr statement sleep_runs{"pool.sleep_runs", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)%' "
                                                  "AND pid <> pg_backend_pid())"};
constexpr statement sleep_ended{"pool.sleep_ended", "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)%' "
                                                    "AND pid <> pg_backend_pid())"};
constexpr statement backend{"pool.backend", "SELECT pg_backend_pid()"};

task<void> expect_works(database& db) {
    const auto found = co_await db.query(one);
    EXPECT_EQ(found.front().get<std::int64_t>(0), 1);
}

// Holds a connection until told.
task<void> hold(storage::unit_of_work& uow, meeting* held, meeting* let_go) {
    co_await of(uow).query(one);
    co_await held->arrive();
    co_await let_go->arrive();
}
task<void> note(storage::unit_of_work& uow, int who, std::vector<int>* order) {
    co_await of(uow).query(one);
    order->push_back(who);
}
task<void> release_once_waiting(database& db, int waiting, meeting* let_go) {
    while (db.stats().waiting < waiting) co_await system_clock().sleep_for(milliseconds(1));
    co_await let_go->arrive();
}

task<void> serve_in_order(database& db) {
    meeting held(co_await asio::this_coro::executor, 2), let_go(co_await asio::this_coro::executor, 2);
    std::vector<int> order;
    const auto caller = [&](int who) { return db.run({}, [&order, who](storage::unit_of_work& uow) { return note(uow, who, &order); }); };
    co_await (db.run({}, [&](storage::unit_of_work& uow) { return hold(uow, &held, &let_go); }) && held.arrive() && caller(1) && caller(2) && caller(3) &&
              release_once_waiting(db, 3, &let_go));
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
    EXPECT_EQ(db.stats().open, 1);
    EXPECT_EQ(db.stats().waiting, 0);
    EXPECT_EQ(db.stats().busy, 0);
}
TEST(pool, keeps_its_bound_and_serves_callers_in_the_order_they_came) { with_database(serve_in_order, with(1)); }

task<void> too_many(database& db, meeting* held, meeting* let_go, std::string* reason, bool with_deadline) {
    co_await held->arrive();
    storage::transaction_options o;
    if (with_deadline) o.deadline = system_clock().steady_now() + milliseconds(5);
    const auto e = co_await failure_of(db.run(o, [](storage::unit_of_work& uow) { return hold(uow, nullptr, nullptr); }));
    *reason = e.reason;
    co_await let_go->arrive();
}
task<void> refuse(database& db, bool with_deadline, std::string* reason) {
    meeting held(co_await asio::this_coro::executor, 2), let_go(co_await asio::this_coro::executor, 2);
    co_await (db.run({}, [&](storage::unit_of_work& uow) { return hold(uow, &held, &let_go); }) && too_many(db, &held, &let_go, reason, with_deadline));
    co_await expect_works(db);
}

TEST(pool, refuses_a_caller_that_waited_too_long) {
    std::string reason;
    with_database([&](database& db) { return refuse(db, false, &reason); }, with(1, milliseconds(500)));
    EXPECT_EQ(reason, "DATABASE_BUSY");
}
TEST(pool, refuses_a_caller_at_once_when_too_many_wait) {
    std::string reason;
    with_database([&](database& db) { return refuse(db, false, &reason); }, with(1, milliseconds(600'000), 0));
    EXPECT_EQ(reason, "DATABASE_BUSY");
}
TEST(pool, keeps_the_callers_deadline_while_waiting) {
    std::string reason;
    with_database([&](database& db) { return refuse(db, true, &reason); }, with(1, milliseconds(600'000)));
    EXPECT_EQ(reason, "DEADLINE_EXCEEDED");
}

task<void> sleep_in(storage::unit_of_work& uow) { co_await of(uow).query(sleep_long); }

PG_TEST(deadlines, end_a_statement_here_and_on_the_server) {
    co_await expect_works(db);
    const auto e = co_await failure_of(db.run({.deadline = system_clock().steady_now() + milliseconds(20)}, sleep_in));
    EXPECT_EQ(e.code, code::deadline_exceeded);
    co_await eventually(db, sleep_ended);
    EXPECT_EQ(db.stats().busy, 0);
}

TEST(deadlines, the_servers_statement_timeout_is_deadline_exceeded) {
    auto o = with(1);
    o.statement_timeout = milliseconds(20);
    struct body {
        static task<void> of_test(database& db) {
            const auto e = co_await failure_of(db.run({}, sleep_in));
            EXPECT_EQ(e.code, code::deadline_exceeded);
            EXPECT_EQ(e.reason, "STATEMENT_TIMEOUT");
            co_await expect_works(db);
            EXPECT_EQ(db.stats().open, 1) << "the connection is in step and stays";
        }
    };
    with_database(body::of_test, o);
}

constexpr statement nobody_idles{"pool.nobody_idles", "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'bitvelocity/sleeper')"};

task<void> stand_still(storage::unit_of_work& uow, database* others) {
    co_await of(uow).query(one);
    co_await eventually(*others, nobody_idles);
    co_await of(uow).query(one);
}

TEST(deadlines, a_client_that_stands_still_in_a_transaction_loses_it_with_its_locks) {
    auto o = with(1);
    o.name = "sleeper";
    o.idle_transaction_timeout = milliseconds(20);
    struct body {
        static task<void> of_test(database& db) {
            database others(with(1), system_clock());
            const auto e = co_await failure_of(db.run({}, [&](storage::unit_of_work& uow) { return stand_still(uow, &others); }));
            EXPECT_EQ(e.code, code::unavailable);
            co_await expect_works(db);
            co_await others.close();
        }
    };
    with_database(body::of_test, o);
}

task<void> cancel_when(database& db, statement question, asio::cancellation_signal* signal) {
    co_await eventually(db, question);
    signal->emit(asio::cancellation_type::terminal);
}

PG_TEST(cancellation, of_a_running_statement_stops_it_and_leaves_the_pool_sane) {
    asio::cancellation_signal signal;
    boost::system::error_code ended;
    meeting over(co_await asio::this_coro::executor, 2);
    asio::co_spawn(co_await asio::this_coro::executor, db.run({}, sleep_in), asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
                       try {
                           if (e) std::rethrow_exception(e);
                       } catch (const boost::system::system_error& s) {
                           ended = s.code();
                       }
                       asio::co_spawn(over.executor(), over.arrive(), [](std::exception_ptr) {});
                   }));
    co_await cancel_when(db, sleep_runs, &signal);
    co_await over.arrive();
    EXPECT_EQ(ended, asio::error::operation_aborted);
    co_await eventually(db, sleep_ended);
    co_await expect_works(db);
    EXPECT_EQ(db.stats().busy, 0);
}

task<void> cancel_one_in_line(database& db) {
    meeting held(co_await asio::this_coro::executor, 2), let_go(co_await asio::this_coro::executor, 2);
    // The one in line is cancelled when the other side of || ends.
    co_await (db.run({}, [&](storage::unit_of_work& uow) { return hold(uow, &held, &let_go); }) && held.arrive() &&
              (db.run({}, sleep_in) || release_once_waiting(db, 1, &let_go)));
    EXPECT_EQ(db.stats().waiting, 0);
    EXPECT_EQ(db.stats().busy, 0);
    co_await expect_works(db);
}
TEST(cancellation, of_a_caller_in_line_takes_it_out_of_the_line) { with_database(cancel_one_in_line, with(1)); }

task<void> kill_backend_once(storage::unit_of_work& uow, database& db, int* tries) {
    static constexpr statement terminate{"pool.terminate", "SELECT pg_terminate_backend($1, 5000)"};
    const auto found = co_await of(uow).query(backend);
    const auto pid = found.front().get<std::int32_t>(0);
    if (++*tries == 1) co_await db.query(terminate, params(pid));
    co_await of(uow).query(one);
}

PG_TEST(loss, of_a_connection_before_commit_is_retried_on_another) {
    int tries = 0;
    co_await db.run({}, [&](storage::unit_of_work& uow) { return kill_backend_once(uow, db, &tries); });
    EXPECT_EQ(tries, 2);
}

PG_TEST(loss, of_the_server_is_unavailable_and_ends_when_it_is_back) {
    co_await expect_works(db);
    auto& server = testing::postgres::instance();
    server.stop();
    const auto e = co_await failure_of(ignore(db.query(one)));
    EXPECT_EQ(e.code, code::unavailable);
    EXPECT_EQ(e.reason, "DATABASE_UNAVAILABLE");
    server.start();
    co_await expect_works(db);
    server.stop();
    server.start();
    co_await expect_works(db);
    co_await db.run({}, [](storage::unit_of_work& uow) { return ignore(of(uow).query(one)); });
}

constexpr std::string_view slow_commit = R"(
CREATE TABLE {0} (n int8);
CREATE FUNCTION {0}_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON {0} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {0}_slow())";

task<void> insert_slow(storage::unit_of_work& uow, statement insert, pid_t* pid) {
    const auto found = co_await of(uow).query(backend);
    *pid = found.front().get<std::int32_t>(0);
    co_await of(uow).query(insert);
}
task<void> kill_in_commit(database& db, pid_t* pid, int with_signal) {
    static constexpr statement commits{"pool.commits", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query = 'COMMIT' AND wait_event = 'PgSleep')"};
    co_await eventually(db, commits);
    ::kill(*pid, with_signal);
}
task<void> lose_commit(database& db, statement insert, int with_signal) {
    pid_t pid = 0;
    error e;
    struct body {
        static task<void> of_run(database& d, statement s, pid_t* p, error* out) {
            *out = co_await failure_of(d.run({}, [=](storage::unit_of_work& uow) { return insert_slow(uow, s, p); }));
        }
    };
    co_await (body::of_run(db, insert, &pid, &e) && kill_in_commit(db, &pid, with_signal));
    EXPECT_EQ(e.code, code::unavailable);
    EXPECT_EQ(e.reason, "COMMIT_UNKNOWN");
}

PG_TEST(loss, of_the_answer_to_a_commit_is_reported_as_unknown) {
    static constexpr statement terminated{"pool.insert_terminated", "INSERT INTO terminated VALUES (1)"};
    co_await sql(db, fmt::format(slow_commit, "terminated"));
    co_await lose_commit(db, terminated, SIGTERM);
    // The end of one backend by SIGKILL makes the server restart all of them.
    static constexpr statement killed{"pool.insert_killed", "INSERT INTO killed VALUES (1)"};
    co_await sql(db, fmt::format(slow_commit, "killed"));
    co_await lose_commit(db, killed, SIGKILL);
    bool back = false;
    while (!back) {
        try {
            co_await expect_works(db);
            back = true;
        } catch (const failure& e) {
            EXPECT_EQ(e.error().code, code::unavailable);
        }
    }
}

// It takes connections and says nothing, as one that stands still does.
TEST(loss, of_a_server_that_does_not_answer_a_login_is_unavailable) {
    asio::io_context io;
    const asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
    auto o = with(1, milliseconds(50));
    o.conninfo = fmt::format("host=127.0.0.1 port={} user=nobody dbname=nothing", silent.local_endpoint().port());
    struct body {
        static task<void> of_test(database& db) {
            const auto e = co_await failure_of(ignore(db.query(one)));
            EXPECT_EQ(e.code, code::unavailable);
            EXPECT_EQ(e.reason, "DATABASE_UNAVAILABLE");
        }
    };
    with_database(body::of_test, o);
}

TEST(login, refused_is_not_retried_and_says_why) {
    auto o = shared().options("nobody_known");
    struct body {
        static task<void> of_test(database& db) {
            const auto e = co_await failure_of(ignore(db.query(one)));
            EXPECT_EQ(e.reason, "DATABASE_LOGIN_REFUSED");
            EXPECT_THAT(e.message, ::testing::HasSubstr("nobody_known"));
            EXPECT_THAT(e.message, ::testing::Not(::testing::HasSubstr(std::string(testing::postgres::role_password))));
        }
    };
    with_database(body::of_test, o);
}

TEST(pool, of_each_core_is_its_own) {
    bv::runtime machine(2);
    machine.start();
    database db(with(2), system_clock());
    machine.block_on(expect_works(db), 0);
    machine.block_on(expect_works(db), 1);
    EXPECT_EQ(db.stats().open, 2);
    machine.block_on(db.close(), 0);
    machine.block_on(db.close(), 1);
    EXPECT_EQ(db.stats().open, 0);
}

constexpr statement echo_slowly{"pool.echo_slowly", "SELECT $1::int8, pg_sleep($2)"};

task<void> echo_or_give_up(storage::unit_of_work& uow, std::int64_t n, double pause, std::int64_t* answer) {
    const auto found = co_await of(uow).query(echo_slowly, params(n, pause));
    *answer = found.front().get<std::int64_t>(0);
}
// Half of the calls may run out of time at some point: in line, while connecting, in the statement, at commit.
task<void> call_repeatedly(database& db, std::uint64_t seed, int* answered) {
    seeded_rng random(seed);
    for (std::int64_t i = 0; i < 40; ++i) {
        const auto n = static_cast<std::int64_t>(random.below(1'000'000));
        const double pause = random.uniform() * 0.002;
        std::int64_t answer = -1;
        storage::transaction_options o;
        if (i % 2 == 1) o.deadline = system_clock().steady_now() + microseconds(random.below(10'000));
        try {
            co_await db.run(o, [&](storage::unit_of_work& uow) { return echo_or_give_up(uow, n, pause, &answer); });
            EXPECT_EQ(answer, n);
            ++*answered;
        } catch (const failure& e) {
            EXPECT_TRUE(e.error().code == code::deadline_exceeded || e.error().reason == "COMMIT_UNKNOWN" || e.error().code == code::unavailable) << e.what();
        }
    }
}
task<void> call_from_many(database& db) {
    int answered = 0;
    co_await (call_repeatedly(db, 1, &answered) && call_repeatedly(db, 2, &answered) && call_repeatedly(db, 3, &answered) && call_repeatedly(db, 4, &answered) &&
              call_repeatedly(db, 5, &answered) && call_repeatedly(db, 6, &answered) && call_repeatedly(db, 7, &answered) && call_repeatedly(db, 8, &answered));
    EXPECT_GE(answered, 8 * 20);
    EXPECT_EQ(db.stats().busy, 0);
    EXPECT_EQ(db.stats().waiting, 0);
    EXPECT_LE(db.stats().open, 3);
    co_await expect_works(db);
}
TEST(pool, never_gives_an_answer_to_another_when_callers_run_out_of_time) { with_database(call_from_many, with(3)); }

task<void> fall_idle(database& db) {
    meeting all_hold(co_await asio::this_coro::executor, 3), let_go(co_await asio::this_coro::executor, 3);
    const auto holder = [&] { return db.run({}, [&](storage::unit_of_work& uow) { return hold(uow, &all_hold, &let_go); }); };
    co_await (holder() && holder() && holder());
    while (db.stats().open > 1) co_await system_clock().sleep_for(milliseconds(1));
    co_await expect_works(db);
    EXPECT_EQ(db.stats().open, 1);
    EXPECT_EQ(db.stats().acquired, 4U);
}
TEST(pool, closes_connections_that_are_not_used_but_one) {
    auto o = with(3);
    o.idle_timeout = seconds(0);
    with_database(fall_idle, o);
}

constexpr statement by_ids{"pool.by_ids", "SELECT oid FROM pg_catalog.pg_class WHERE oid = ANY ($1::bigint[]::oid[])"};
constexpr statement plans_of_it{"pool.plans", "SELECT generic_plans, custom_plans FROM pg_catalog.pg_prepared_statements WHERE parameter_types::text = '{bigint[]}'"};
constexpr statement make_empty{"pool.make_empty", "CREATE TEMPORARY TABLE grows (id bigint PRIMARY KEY)"};
constexpr statement explained{"pool.explained", "EXPLAIN SELECT id FROM grows WHERE id = ANY ('{1,2,3}')"};
constexpr statement explained_join{"pool.explained_join", "EXPLAIN SELECT a.id FROM grows a JOIN grows b ON b.id = a.id WHERE a.id = ANY ('{1,2,3}')"};

task<void> plan_in(storage::unit_of_work& uow) {
    auto& tx = of(uow);
    for (std::int64_t i = 1; i <= 8; ++i) co_await tx.query(by_ids, params(std::vector<std::int64_t>(1, i)));
    const auto plans = co_await tx.query(plans_of_it);
    EXPECT_EQ(plans.front().get<std::int64_t>(0), 8);
    EXPECT_EQ(plans.front().get<std::int64_t>(1), 0);
    co_await tx.query(make_empty);
    for (const auto& asked : {explained, explained_join}) {
        const auto plan = co_await tx.query(asked);
        for (const auto line : plan) EXPECT_THAT(std::string(line.get<std::string_view>(0)), ::testing::Not(::testing::ContainsRegex("Seq Scan|Merge Join|Hash Join")));
    }
}
task<void> plan_once(database& db) { co_await db.run({}, plan_in); }
TEST(pool, of_statements_by_index_plans_each_once_and_for_tables_that_grow) {
    auto o = with(1);
    o.by_index = true;
    with_database(plan_once, o);
}

TEST(close, does_not_wait_for_a_server_that_stands_still) {
    struct body {
        static task<void> of_test(database& db) {
            co_await expect_works(db);
            ::kill(testing::postgres::instance().pid(), SIGSTOP);
            const auto e = co_await failure_of(db.run({.deadline = system_clock().steady_now() + milliseconds(20)}, sleep_in));
            EXPECT_EQ(e.code, code::deadline_exceeded);
        }
    };
    with_database(body::of_test);
    ::kill(testing::postgres::instance().pid(), SIGCONT);
    with_database([](database& db) { return eventually(db, sleep_ended); });
}

PG_TEST(close, refuses_callers_after) {
    co_await expect_works(db);
    co_await db.close();
    const auto e = co_await failure_of(ignore(db.query(one)));
    EXPECT_EQ(e.reason, "DATABASE_CLOSED");
}

}  // namespace
}  // namespace bv::pg
