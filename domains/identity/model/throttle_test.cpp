#include "domains/identity/model/throttle.hpp"

#include <gtest/gtest.h>

namespace bv::identity {
namespace {

const time_point noon{seconds(1'700'000'000)};
constexpr throttle_policy policy{.free_attempts = 3, .first_delay = milliseconds(1'000), .max_delay = milliseconds(10'000), .forget = seconds(600)};

throttle_state failed(int times, time_point now = noon) {
    throttle_state s;
    for (int i = 0; i < times; ++i) s = begin_attempt(s, policy, now);
    return s;
}

TEST(throttle, leaves_the_first_attempts_free_then_doubles_up_to_the_maximum) {
    const int waits[] = {0, 0, 1'000, 2'000, 4'000, 8'000, 10'000, 10'000};
    for (int i = 0; i < 8; ++i) EXPECT_EQ(wait_of(failed(i + 1), noon).count(), waits[i]) << i + 1;
    EXPECT_EQ(wait_of(failed(100'000), noon), policy.max_delay);
}

TEST(throttle, opens_when_the_wait_is_over) {
    EXPECT_EQ(wait_of(failed(3), noon + microseconds(999'999)), milliseconds(1)) << "rounded up: never too early";
    EXPECT_EQ(wait_of(failed(3), noon + seconds(1)), milliseconds(0));
}

TEST(throttle, forgets_after_a_quiet_time_only) {
    auto s = failed(8);
    EXPECT_EQ(begin_attempt(s, policy, noon + seconds(599)).failures, 9);
    s = begin_attempt(s, policy, noon + seconds(600));
    EXPECT_EQ(s.failures, 1);
    EXPECT_EQ(wait_of(s, noon + seconds(600)), milliseconds(0));
}

TEST(throttle, takes_an_attempt_back_that_was_none) {
    EXPECT_EQ(wait_of(take_back(failed(3), policy), noon), milliseconds(0));
    EXPECT_GT(wait_of(take_back(failed(5), policy), noon), milliseconds(0)) << "the other failures count";
    EXPECT_EQ(take_back(throttle_state{}, policy).failures, 0);
}

}  // namespace
}  // namespace bv::identity
