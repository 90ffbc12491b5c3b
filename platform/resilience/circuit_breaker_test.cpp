#include "platform/resilience/circuit_breaker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "platform/testing/fake_clock.hpp"

namespace bv::resilience {
namespace {

using namespace std::chrono_literals;

struct circuit : ::testing::Test {
    bv::testing::fake_clock c;
    circuit_breaker b{{.dependency = "test", .window = 10s, .least_calls = 10, .failure_rate = 0.5, .open_for = 5s, .probes = 2}, c};

    void calls(int succeeded, int failed) {
        for (int i = 0; i < succeeded; ++i) b.acquire().value().succeeded();
        for (int i = 0; i < failed; ++i) b.acquire().value().failed();
    }
};

TEST_F(circuit, opens_at_the_failure_rate_and_not_before) {
    calls(6, 4);
    EXPECT_EQ(b.state(), circuit_state::closed);
    calls(0, 2);
    EXPECT_EQ(b.state(), circuit_state::open);
    const auto refused = b.acquire();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, code::unavailable);
    EXPECT_EQ(refused.error().reason, "CIRCUIT_OPEN");
    EXPECT_EQ(refused.error().retry_after, 5s);
    EXPECT_EQ(telemetry::measure("bv_circuit_state", "", {{"dependency", "test"}}).value(), 2.0);
}

TEST_F(circuit, few_calls_never_open_it) {
    calls(0, 9);
    EXPECT_EQ(b.state(), circuit_state::closed);
}

TEST_F(circuit, failures_older_than_the_window_are_forgotten) {
    calls(0, 9);
    c.advance(10s);
    calls(0, 9);
    EXPECT_EQ(b.state(), circuit_state::closed);
    c.advance(1s);
    calls(0, 1);
    EXPECT_EQ(b.state(), circuit_state::open);
}

TEST_F(circuit, after_a_time_it_lets_a_few_probes_through_and_closes_when_they_succeed) {
    calls(0, 10);
    c.advance(5s);
    auto first = b.acquire(), second = b.acquire();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(b.state(), circuit_state::half_open);
    EXPECT_FALSE(b.acquire()) << "no more than the probes";
    first->succeeded();
    EXPECT_EQ(b.state(), circuit_state::half_open);
    second->succeeded();
    EXPECT_EQ(b.state(), circuit_state::closed);
    calls(0, 9);
    EXPECT_EQ(b.state(), circuit_state::closed) << "the failures before count no more";
}

TEST_F(circuit, it_is_known_beforehand_whether_a_call_would_be_let_through) {
    EXPECT_TRUE(b.would_allow());
    calls(0, 10);
    EXPECT_FALSE(b.would_allow());
    c.advance(5s);
    EXPECT_TRUE(b.would_allow()) << "it is time to try again";
    EXPECT_EQ(b.state(), circuit_state::open) << "who asks only does not try";
    auto first = b.acquire(), second = b.acquire();
    EXPECT_FALSE(b.would_allow()) << "its probes are in hand";
    first->succeeded();
    second->succeeded();
    EXPECT_TRUE(b.would_allow());
}

TEST_F(circuit, a_failed_probe_opens_it_again_for_the_whole_time) {
    calls(0, 10);
    c.advance(5s);
    b.acquire().value().failed();
    EXPECT_EQ(b.state(), circuit_state::open);
    c.advance(4999ms);
    EXPECT_FALSE(b.acquire());
    c.advance(1ms);
    EXPECT_TRUE(b.acquire());
}

TEST_F(circuit, a_cancelled_probe_gives_its_place_back) {
    calls(0, 10);
    c.advance(5s);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(b.acquire());
    EXPECT_EQ(b.state(), circuit_state::half_open);
}

TEST_F(circuit, a_late_outcome_of_an_earlier_state_does_not_count) {
    auto late = b.acquire();
    calls(0, 10);
    c.advance(5s);
    auto probe = b.acquire();
    late->failed();
    EXPECT_EQ(b.state(), circuit_state::half_open);
}

task<int> answer(code c) {
    if (c != code::ok) throw failure(c, "X", "x");
    co_return 1;
}
task<result<int>> answer_result(code c) {
    if (c != code::ok) co_return fail(c, "X", "x");
    co_return 1;
}

TEST_F(circuit, run_counts_broken_dependencies_and_not_wrong_requests) {
    asio::io_context io;
    std::string last;
    const auto run = [&](code wanted, bool throws) {
        const auto done = [&last](std::exception_ptr e, auto&&...) {
            try {
                last.clear();
                if (e) std::rethrow_exception(e);
            } catch (...) {
                last = current_error().reason;
            }
        };
        if (throws)
            asio::co_spawn(io, b.run<int>([wanted] { return answer(wanted); }), done);
        else
            asio::co_spawn(io, b.run<result<int>>([wanted] { return answer_result(wanted); }), done);
        io.restart();
        io.poll();
    };
    for (int i = 0; i < 10; ++i) run(code::not_found, i % 2 == 0);
    EXPECT_EQ(b.state(), circuit_state::closed);
    for (int i = 0; i < 10; ++i) run(code::unavailable, i % 2 == 0);
    EXPECT_EQ(b.state(), circuit_state::open);
    run(code::ok, true);
    EXPECT_EQ(last, "CIRCUIT_OPEN");
}

}  // namespace
}  // namespace bv::resilience
