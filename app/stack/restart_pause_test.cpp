#include "app/stack/restart_pause.hpp"

#include <gtest/gtest.h>

namespace bv::stack {
namespace {

using step = restart_pause::step;

// Looks twice a second, for as long as it takes, at a server that ends at once; gives how often it was started.
int starts(restart_pause& p, steady_point& now, seconds most) {
    int out = 0;
    for (const auto end = now + most; now < end; now += milliseconds(500))
        if (p.look(now) == step::start) ++out;
    return out;
}

TEST(restart_pause, a_server_that_has_ended_is_started_again_soon) {
    restart_pause p;
    const steady_point now{seconds(1'000)};
    EXPECT_EQ(p.look(now), step::ended);
    EXPECT_EQ(p.look(now + milliseconds(100)), step::wait);
    EXPECT_EQ(p.look(now + milliseconds(200)), step::start);
}

TEST(restart_pause, one_that_goes_on_ending_is_started_seldom) {
    restart_pause p;
    steady_point now{seconds(1'000)};
    EXPECT_LE(starts(p, now, seconds(3'600)), 370);
    EXPECT_EQ(p.pause(), milliseconds(10'000));
}

TEST(restart_pause, one_that_has_lasted_is_started_soon_again) {
    restart_pause p;
    steady_point now{seconds(1'000)};
    (void)starts(p, now, seconds(120));
    while (p.look(now) != step::start) now += milliseconds(500);
    now += seconds(61);
    EXPECT_EQ(p.look(now), step::ended);
    EXPECT_EQ(p.pause(), milliseconds(200));
}

}  // namespace
}  // namespace bv::stack
