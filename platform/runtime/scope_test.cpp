#include "platform/runtime/scope.hpp"

#include <atomic>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv {
namespace {

using namespace std::chrono_literals;

struct seen {
    std::atomic<int> started{0}, cancelled{0}, finished{0};
};

task<void> sleeper(clock& c, seen& s) {
    ++s.started;
    try {
        co_await c.sleep_for(1h);
    } catch (const boost::system::system_error&) {
        ++s.cancelled;
        throw;
    }
    ++s.finished;
}

task<void> thrower() {
    throw failure(code::internal, "BROKEN", "broken on purpose");
    co_return;
}

task<void> join(scope& s, bool& joined) {
    co_await s.join();
    joined = true;
}

TEST(scope, names_what_still_runs) {
    asio::io_context io;
    testing::fake_clock c;
    seen n;
    const auto of_test = [] {
        std::size_t found = 0;
        for (const auto& [name, tasks] : scope::running_tasks()) found += name == "left over" ? tasks : 0;
        return found;
    };
    scope s("left over");
    EXPECT_EQ(of_test(), 0U);
    s.spawn(io.get_executor(), sleeper(c, n));
    s.spawn(io.get_executor(), sleeper(c, n));
    EXPECT_EQ(of_test(), 2U);
    c.run_for(io, 1h);
    EXPECT_EQ(of_test(), 0U);
}

TEST(scope, join_waits_for_every_task) {
    asio::io_context io;
    testing::fake_clock c;
    scope s("test");
    seen n;
    bool joined = false;
    s.spawn(io.get_executor(), sleeper(c, n));
    s.spawn(io.get_executor(), sleeper(c, n));
    asio::co_spawn(io, join(s, joined), asio::detached);
    c.run_for(io, 59min);
    EXPECT_EQ(n.started, 2);
    EXPECT_FALSE(joined);
    EXPECT_EQ(s.size(), 2U);
    c.run_for(io, 1min);
    EXPECT_TRUE(joined);
    EXPECT_EQ(n.finished, 2);
    EXPECT_EQ(s.size(), 0U);
}

TEST(scope, stop_cancels_what_runs_and_drops_what_has_not_started) {
    asio::io_context io;
    testing::fake_clock c;
    scope s("test");
    seen n;
    s.spawn(io.get_executor(), sleeper(c, n));
    io.poll();
    s.spawn(io.get_executor(), sleeper(c, n));  // queued on the executor, not started
    s.stop();
    EXPECT_TRUE(s.stopping());
    s.spawn(io.get_executor(), sleeper(c, n));
    bool joined = false;
    asio::co_spawn(io, join(s, joined), asio::detached);
    c.run_for(io, 0s);
    EXPECT_EQ(n.started, 1);
    EXPECT_EQ(n.cancelled, 1);
    EXPECT_TRUE(joined);
    EXPECT_EQ(c.sleepers(), 0U);
}

TEST(scope, an_exception_is_counted_and_ends_only_its_task) {
    auto& failures = telemetry::count("bv_scope_failures_total", "Background tasks that ended with an exception", {{"scope", "faulty"}});
    const auto before = failures.value();
    asio::io_context io;
    testing::fake_clock c;
    scope s("faulty");
    seen n;
    s.spawn(io.get_executor(), thrower());
    s.spawn(io.get_executor(), sleeper(c, n));
    c.run_for(io, 0s);
    EXPECT_EQ(failures.value(), before + 1);
    EXPECT_EQ(s.size(), 1U);
    s.stop();
    c.run_for(io, 0s);
    EXPECT_EQ(failures.value(), before + 1) << "a cancelled task is no failure";
    EXPECT_EQ(s.size(), 0U);
}

TEST(scope, tasks_abandoned_with_their_io_context_leave_the_scope) {
    testing::fake_clock c;
    scope s("test");
    seen n;
    {
        asio::io_context io;
        s.spawn(io.get_executor(), sleeper(c, n));
    }
    EXPECT_EQ(s.size(), 0U);
    EXPECT_EQ(n.started, 0);
}

TEST(scope, joins_tasks_of_every_core_from_another_core) {
    runtime rt(3);
    rt.start();
    scope s("test");
    seen n;
    for (int i = 0; i < 300; ++i) s.spawn(rt.context(static_cast<std::size_t>(i) % 3).get_executor(), sleeper(system_clock(), n));
    std::thread stopper([&s] { s.stop(); });
    struct local {
        static task<void> stop_and_join(scope& all) {
            all.stop();
            co_await all.join();
        }
    };
    rt.block_on(local::stop_and_join(s), 1);
    stopper.join();
    EXPECT_EQ(s.size(), 0U);
    EXPECT_EQ(n.started, n.cancelled);
}

}  // namespace
}  // namespace bv
