#include "platform/resilience/retry.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/testing/fake_clock.hpp"

namespace bv::resilience {
namespace {

using namespace std::chrono_literals;

// Fails as told, then answers.
struct dependency {
    std::vector<error> failures{};
    bool throws = true;
    int calls = 0;

    static task<result<int>> call(dependency& d) {
        const auto n = static_cast<std::size_t>(d.calls++);
        if (n >= d.failures.size()) co_return 42;
        if (d.throws) throw failure(d.failures[n]);
        co_return std::unexpected(d.failures[n]);
    }
};

struct retrying : ::testing::Test {
    bv::testing::fake_clock c;
    seeded_rng r{1};
    asio::io_context io;
    dependency d;
    retry_budget budget{"test"};
    std::optional<std::string> outcome;

    void call(retry_policy p = {}, std::optional<steady_point> deadline = {}) {
        outcome.reset();
        asio::co_spawn(io, retry<result<int>>(p, budget, c, r, [this] { return dependency::call(d); }, deadline),
                       [this](std::exception_ptr e, result<int> answer) {
                           if (!e) {
                               outcome = answer ? std::to_string(*answer) : answer.error().reason;
                               return;
                           }
                           try {
                               std::rethrow_exception(e);
                           } catch (...) {
                               outcome = current_error().reason;
                           }
                       });
        c.run_for(io, 0s);
    }
};

const error down{code::unavailable, "DOWN", "down", {}, {}};
const error wrong{code::invalid_argument, "WRONG", "wrong", {}, {}};

TEST_F(retrying, a_passing_failure_is_repeated_until_it_answers) {
    for (const bool throws : {true, false}) {
        d = {{down, down}, throws};
        call();
        c.run_for(io, 10s);
        EXPECT_EQ(outcome, "42");
        EXPECT_EQ(d.calls, 3);
    }
}

TEST_F(retrying, attempts_are_bounded_and_the_last_error_is_given) {
    d = {{down, down, down, down}};
    call({.attempts = 3});
    c.run_for(io, 10s);
    EXPECT_EQ(outcome, "DOWN");
    EXPECT_EQ(d.calls, 3);
}

TEST_F(retrying, a_lasting_error_is_not_repeated) {
    for (const bool throws : {true, false}) {
        d = {{wrong}, throws};
        call();
        EXPECT_EQ(outcome, "WRONG");
        EXPECT_EQ(d.calls, 1);
    }
}

TEST_F(retrying, retry_after_is_kept) {
    auto later = down;
    later.retry_after = 3s;
    d = {{later}};
    call();
    c.run_for(io, 2999ms);
    EXPECT_EQ(d.calls, 1);
    c.run_for(io, 1ms);
    EXPECT_EQ(outcome, "42");
}

TEST_F(retrying, nothing_is_repeated_past_the_deadline) {
    auto later = down;
    later.retry_after = 3s;
    d = {{later}};
    call({}, c.steady_now() + 3s);
    EXPECT_EQ(outcome, "DOWN");
    EXPECT_EQ(d.calls, 1);
}

TEST_F(retrying, the_budget_bounds_retries_to_a_share_of_the_calls) {
    int calls = 0;
    for (int i = 0; i < 1000; ++i) {
        d = {{down, down, down}};
        call({.attempts = 2, .first = 0ms});
        c.run_for(io, 1s);
        calls += d.calls;
    }
    EXPECT_LE(calls, 1000 + 10 + 100);
    EXPECT_GE(calls, 1000 + 100);
    EXPECT_LT(budget.balance(), 1.0);
}

TEST(backoff, stays_within_its_doubling_bound) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        seeded_rng r(seed);
        const retry_policy p{.first = 50ms, .longest = 2000ms};
        RC_ASSERT(backoff(p, 1, r) <= 50ms);
        RC_ASSERT(backoff(p, 3, r) <= 200ms);
        RC_ASSERT(backoff(p, 1000, r) <= 2000ms);
        RC_ASSERT(backoff(p, 1000, r) >= 0ms);
    }));
    seeded_rng r(1);
    std::chrono::nanoseconds most{};
    for (int i = 0; i < 100; ++i) most = std::max(most, backoff({}, 6, r));
    EXPECT_GT(most, 1s) << "the pauses do grow";
}

}  // namespace
}  // namespace bv::resilience
