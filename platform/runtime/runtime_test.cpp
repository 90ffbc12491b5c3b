#include "platform/runtime/runtime.hpp"

#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv {
namespace {

task<std::size_t> where() { co_return runtime::current_core(); }
task<int> broken() {
    throw failure(code::unavailable, "DOWN", "down");
    co_return 1;
}
task<std::unique_ptr<int>> boxed() { co_return std::make_unique<int>(7); }
task<void> flag(bool& done) {
    done = true;
    co_return;
}
task<void> wait_for(std::shared_ptr<waiter> w) { co_await w->wait(); }

TEST(runtime, runs_a_task_on_the_core_asked_for) {
    runtime rt(2);
    rt.start();
    EXPECT_EQ(rt.block_on(where(), 0), 0U);
    EXPECT_EQ(rt.block_on(where(), 1), 1U);
    EXPECT_EQ(runtime::current_core(), max_cores - 1);
}

TEST(runtime, block_on_gives_values_and_exceptions) {
    runtime rt(1);
    rt.start();
    bool done = false;
    rt.block_on(flag(done));
    EXPECT_TRUE(done);
    EXPECT_EQ(*rt.block_on(boxed()), 7);
    try {
        rt.block_on(broken());
        FAIL() << "no exception";
    } catch (const failure& e) {
        EXPECT_EQ(e.error().reason, "DOWN");
    }
}

TEST(runtime, block_on_ends_when_the_runtime_stops) {
    runtime rt(1);
    rt.start();
    const auto never = waiter::make();
    asio::post(rt.context(0), [&rt] { rt.stop(); });
    try {
        rt.block_on(wait_for(never));
        FAIL() << "no exception";
    } catch (const failure& e) {
        EXPECT_EQ(e.error().reason, "RUNTIME_STOPPED");
    }
    never->wake();  // releases the suspended frame
}

TEST(runtime, join_returns_after_stop) {
    runtime rt(2);
    rt.start();
    std::thread stopper([&rt] { rt.stop(); });
    rt.join();
    stopper.join();
}

TEST(waiter, resumes_on_its_own_core_when_another_wakes_it) {
    runtime rt(2);
    rt.start();
    const auto w = waiter::make();
    asio::post(rt.context(1), [w] { w->wake(); });
    struct local {
        static task<std::size_t> run(std::shared_ptr<waiter> on) {
            co_await on->wait();
            co_return runtime::current_core();
        }
    };
    EXPECT_EQ(rt.block_on(local::run(w), 0), 0U);
    EXPECT_FALSE(w->wake()) << "only the first wake counts";
}

}  // namespace
}  // namespace bv
