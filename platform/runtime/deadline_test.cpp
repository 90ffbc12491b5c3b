#include "platform/runtime/deadline.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv {
namespace {

using namespace std::chrono_literals;

struct deadlines : ::testing::Test {
    testing::fake_clock c;
    asio::io_context io;
    asio::cancellation_signal cancel;
    std::optional<std::string> outcome;  // the value, or the reason of the error

    void start(task<std::string> t) {
        asio::co_spawn(io, std::move(t), asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e, std::string value) {
                           outcome = std::move(value);
                           if (!e) return;
                           try {
                               std::rethrow_exception(e);
                           } catch (...) {
                               outcome = current_error().reason;
                           }
                       }));
    }
};

task<std::string> answer_after(clock& c, std::chrono::nanoseconds d) {
    co_await c.sleep_for(d);
    co_return "answer";
}
task<std::string> broken() {
    throw failure(code::internal, "BROKEN", "broken");
    co_return "";
}
// Takes a while to give up after it was cancelled.
task<std::string> slow_to_cancel(clock& c, bool& cleaned) {
    try {
        co_await c.sleep_for(1h);
    } catch (...) {
        cleaned = true;
        throw;
    }
    co_return "answer";
}

TEST_F(deadlines, an_answer_in_time_is_given_and_the_alarm_is_withdrawn) {
    start(with_deadline(c, c.steady_now() + 2s, answer_after(c, 1s)));
    c.run_for(io, 1s);
    EXPECT_EQ(outcome, "answer");
    EXPECT_EQ(c.sleepers(), 0U);
}

TEST_F(deadlines, at_the_deadline_the_task_is_cancelled_and_has_ended) {
    bool cleaned = false;
    start(with_deadline(c, c.steady_now() + 2s, slow_to_cancel(c, cleaned)));
    c.run_for(io, 1999ms);
    EXPECT_FALSE(outcome);
    c.run_for(io, 1ms);
    EXPECT_EQ(outcome, "DEADLINE_EXCEEDED");
    EXPECT_TRUE(cleaned);
    EXPECT_EQ(c.sleepers(), 0U);
}

TEST_F(deadlines, an_error_in_time_is_passed_on) {
    start(with_deadline(c, c.steady_now() + 2s, broken()));
    c.run_for(io, 0s);
    EXPECT_EQ(outcome, "BROKEN");
}

TEST_F(deadlines, a_cancelled_caller_cancels_the_task) {
    bool cleaned = false;
    start(with_deadline(c, c.steady_now() + 2s, slow_to_cancel(c, cleaned)));
    c.run_for(io, 1s);
    cancel.emit(asio::cancellation_type::all);
    c.run_for(io, 0s);
    EXPECT_TRUE(cleaned);
    EXPECT_EQ(outcome, "CANCELLED");
    EXPECT_EQ(c.sleepers(), 0U);
}

TEST_F(deadlines, nest) {
    start(with_deadline(c, c.steady_now() + 5s, with_deadline(c, c.steady_now() + 1s, answer_after(c, 2s))));
    c.run_for(io, 1s);
    EXPECT_EQ(outcome, "DEADLINE_EXCEEDED");
    EXPECT_EQ(c.sleepers(), 0U);
}

}  // namespace
}  // namespace bv
