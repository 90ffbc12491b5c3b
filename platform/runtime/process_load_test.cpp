#include "platform/runtime/process_load.hpp"

#include <gtest/gtest.h>

#include "platform/testing/fake_clock.hpp"

namespace bv {
namespace {

std::chrono::nanoseconds used{};
std::chrono::nanoseconds told() noexcept { return used; }

struct load : ::testing::Test {
    load() { used = seconds(100); }
    testing::fake_clock time;
};

TEST_F(load, is_a_share_of_the_cores_and_calls_a_second) {
    process_load l(time, 4, &told);
    for (int i = 0; i < 60; ++i) l.called();
    for (int i = 0; i < 3; ++i) l.failed();
    time.advance(seconds(2));
    used += seconds(2);
    const auto now = l.now();
    EXPECT_DOUBLE_EQ(now.cpu, 0.25);
    EXPECT_DOUBLE_EQ(now.calls_per_second, 30);
    EXPECT_DOUBLE_EQ(now.failures_per_second, 1.5);
}

TEST_F(load, is_of_whole_seconds_however_often_it_is_asked_for) {
    process_load l(time, 1, &told);
    l.called();
    time.advance(milliseconds(999));
    EXPECT_DOUBLE_EQ(l.now().calls_per_second, 0);
    time.advance(milliseconds(1));
    EXPECT_DOUBLE_EQ(l.now().calls_per_second, 1);
    time.advance(milliseconds(500));
    l.called();
    EXPECT_DOUBLE_EQ(l.now().calls_per_second, 1);
    time.advance(milliseconds(500));
    EXPECT_DOUBLE_EQ(l.now().calls_per_second, 1);
    time.advance(seconds(1));
    EXPECT_DOUBLE_EQ(l.now().calls_per_second, 0);
}

}  // namespace
}  // namespace bv
