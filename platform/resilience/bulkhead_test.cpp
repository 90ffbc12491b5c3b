#include "platform/resilience/bulkhead.hpp"

#include <atomic>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::resilience {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

struct bulkheads : ::testing::Test {
    bv::testing::fake_clock c;
    asio::io_context io;
    bulkhead b{{.name = "test", .concurrent = 2, .waiting = 2}};
    std::vector<std::string> log;

    static task<void> hold(bulkheads& t, int n) {
        try {
            const auto place = co_await t.b.enter();
            t.log.push_back("+" + std::to_string(n));
            co_await t.c.sleep_for(1s);
        } catch (...) {
            t.log.push_back(current_error().reason + std::to_string(n));
        }
    }
    void call(int n) {
        asio::co_spawn(io, hold(*this, n), asio::detached);
        c.run_for(io, 0s);
    }
};

TEST_F(bulkheads, admit_so_many_and_then_in_order) {
    for (int n = 1; n <= 4; ++n) call(n);
    EXPECT_THAT(log, ElementsAre("+1", "+2"));
    EXPECT_EQ(b.waiting(), 2U);
    c.run_for(io, 1s);
    EXPECT_THAT(log, ElementsAre("+1", "+2", "+3", "+4"));
    c.run_for(io, 1s);
    EXPECT_EQ(b.in_use(), 0U);
}

TEST_F(bulkheads, refuse_when_too_many_wait) {
    for (int n = 1; n <= 5; ++n) call(n);
    EXPECT_THAT(log, ElementsAre("+1", "+2", "BULKHEAD_FULL5"));
    c.run_for(io, 2s);
    EXPECT_EQ(b.in_use(), 0U);
}

TEST_F(bulkheads, a_cancelled_caller_leaves_the_queue) {
    call(1);
    call(2);
    asio::cancellation_signal cancel;
    asio::co_spawn(io, hold(*this, 3), asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    c.run_for(io, 0s);
    cancel.emit(asio::cancellation_type::all);
    call(4);
    EXPECT_EQ(b.waiting(), 1U);
    c.run_for(io, 1s);
    EXPECT_THAT(log, ElementsAre("+1", "+2", "CANCELLED3", "+4"));
    c.run_for(io, 1s);
    EXPECT_EQ(b.in_use(), 0U);
}

struct load {
    std::atomic<int> now{0}, most{0}, done{0};
};
task<void> pass(bulkhead& b, load& l) {
    for (int i = 0; i < 50; ++i) {
        const auto place = co_await b.enter();
        const int n = ++l.now;
        for (int seen = l.most; n > seen && !l.most.compare_exchange_weak(seen, n);) {
        }
        co_await system_clock().sleep_for(10us);
        --l.now;
        ++l.done;
    }
}

TEST(bulkhead, holds_its_bound_across_cores) {
    runtime rt(3);
    rt.start();
    bulkhead b({.name = "cores", .concurrent = 3, .waiting = 100});
    load l;
    scope callers("callers");
    for (std::size_t i = 0; i < 12; ++i) callers.spawn(rt.context(i % 3).get_executor(), pass(b, l));
    rt.block_on(callers.join());
    EXPECT_EQ(l.done, 600);
    EXPECT_LE(l.most, 3);
    EXPECT_EQ(b.in_use(), 0U);
}

}  // namespace
}  // namespace bv::resilience
