// What pg's own tests share: a test is a coroutine over a scratch database as the superuser.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/testing/postgres_fixture.hpp"

namespace bv::pg::scratch {

// One for all tests of the process: each makes its own tables.
inline const testing::test_database& shared() {
    static const auto one = testing::postgres::instance().database("scratch");
    return one;
}

inline task<void> run_body(std::function<task<void>(database&)> body, options o) {
    database db(std::move(o), system_clock());
    co_await body(db);
    co_await db.close();
}
inline void with_database(std::function<task<void>(database&)> body, options o = shared().admin_options()) {
    testing::run(run_body(std::move(body), std::move(o)));
}

// The error of an awaited call that must fail.
inline task<error> failure_of(task<void> call) {
    try {
        co_await std::move(call);
    } catch (const failure& e) {
        co_return e.error();
    }
    ADD_FAILURE() << "it did not fail";
    co_return error{code::ok, {}, {}, {}, {}};
}
template <class T>
task<void> ignore(task<T> call) {
    co_await std::move(call);
}

// Runs plain SQL in a transaction of its own.
inline task<void> sql(database& db, std::string text) {
    co_await db.run({}, [&](storage::unit_of_work& uow) { return of(uow).execute(text); });
}

// Lets `expected` coroutines go on together.
class meeting {
public:
    meeting(asio::any_io_executor e, int expected) : left_(expected), open_(std::move(e), asio::steady_timer::time_point::max()) {}
    [[nodiscard]] asio::any_io_executor executor() { return open_.get_executor(); }
    task<void> arrive() {
        if (--left_ <= 0) {
            open_.cancel();
            co_return;
        }
        boost::system::error_code ec;
        co_await open_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }

private:
    int left_;
    asio::steady_timer open_;
};

// Until a query gives true: for what other connections of the server do.
inline task<void> eventually(database& db, statement question) {
    for (;;) {
        const auto found = co_await db.query(question);
        if (found.front().get<bool>(0)) co_return;
        co_await system_clock().sleep_for(milliseconds(2));
    }
}

}  // namespace bv::pg::scratch

// A test of a coroutine over a `database& db`.
#define PG_TEST(suite, name)                                        \
    static ::bv::task<void> suite##_##name(::bv::pg::database& db); \
    TEST(suite, name) { ::bv::pg::scratch::with_database(suite##_##name); } \
    static ::bv::task<void> suite##_##name([[maybe_unused]] ::bv::pg::database& db)
