#include "platform/events/pg_bell.hpp"

#include <atomic>

#include <gtest/gtest.h>

#include "platform/runtime/scope.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::events {
namespace {

using list = std::vector<std::string>;

// Two processes: one appends to "maker", the other follows it.
struct world {
    world(const testing::test_database& d, asio::any_io_executor e)
        : db(d.admin_options(), system_clock()), here(db, {"maker"}, {"other"}, e, system_clock(), system_rng(), {.quiet = milliseconds(1), .check_every = milliseconds(200)}),
          there(db, {"taker"}, {"maker"}, e, system_clock(), system_rng(), {.quiet = milliseconds(1), .check_every = milliseconds(200)}) {
        for (auto [b, n] : {std::pair{&here, &heard_here}, std::pair{&there, &heard_there}}) {
            tasks.spawn(e, b->tell());
            tasks.spawn(e, b->hear([n] { ++*n; }));
        }
    }
    pg::database db;
    pg_bell here, there;
    int heard_here = 0, heard_there = 0;
    scope tasks{"bells"};
};

task<void> until(const std::function<bool()>* is) {
    while (!(*is)()) co_await system_clock().sleep_for(milliseconds(1));
}

task<void> in_world(testing::test_database d, task<void> (*body)(world&)) {
    world w(d, co_await asio::this_coro::executor);
    const std::function<bool()> both_hear = [&w] { return w.here.hears() && w.there.hears(); };
    co_await until(&both_hear);
    co_await body(w);
    w.tasks.stop();
    co_await w.tasks.join();
    co_await w.db.close();
}
void with_world(task<void> (*body)(world&)) { testing::run(in_world(testing::postgres::instance().database("bell"), body)); }

task<void> is_heard_by_those_who_follow(world& w) {
    const int before = w.heard_there, own = w.heard_here;
    const std::function<bool()> heard = [&w, before] { return w.heard_there > before; };
    w.here.ring();
    co_await until(&heard);
    EXPECT_EQ(w.heard_here, own) << "who rings is not woken by it";
    w.there.ring();  // nobody here follows it
    w.here.ring();
    const std::function<bool()> again = [&w, before] { return w.heard_there > before + 1; };
    co_await until(&again);
    EXPECT_EQ(w.heard_here, own);
}
TEST(pg_bell, is_heard_by_those_who_follow_the_source) { with_world(is_heard_by_those_who_follow); }

task<void> survives_the_server(world& w) {
    auto& server = testing::postgres::instance();
    const int before = w.heard_there;
    server.stop(pg::cluster::mode::immediate);
    const std::function<bool()> deaf = [&w] { return !w.there.hears(); };
    co_await until(&deaf);
    server.start();
    const std::function<bool()> told = [&w, before] { return w.heard_there > before; };
    co_await until(&told);  // that something may have been missed
    const std::function<bool()> well = [&w] { return w.here.hears() && w.there.hears(); };
    co_await until(&well);
}
TEST(pg_bell, hears_nobody_while_the_server_is_away_and_tells_so_after) { with_world(survives_the_server); }

}  // namespace
}  // namespace bv::events
