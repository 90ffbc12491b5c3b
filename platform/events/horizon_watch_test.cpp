#include "platform/events/horizon_watch.hpp"

#include <gtest/gtest.h>

#include "platform/testing/fake_clock.hpp"

namespace bv::events {
namespace {

struct watched {
    testing::fake_clock time;
    horizon_watch watch{{"watch_a", "watch_b"}, time, {.patience = seconds(5), .warn_again = seconds(30)}};

    struct position {
        std::int64_t head, read_to;
    };
    void look(position a, position b) {
        watch.observe(0, a.read_to < a.head, a.read_to);
        watch.observe(1, b.read_to < b.head, b.read_to);
    }
    double stalled(const char* source) { return telemetry::measure("bv_events_horizon_stalled_seconds", "", {{"source", source}}).value(); }
};

TEST(horizon_watch, is_quiet_while_positions_move) {
    watched w;
    for (int i = 1; i <= 20; ++i) {
        w.time.advance(seconds(2));
        w.look({i + 1, i}, {i + 1, i});  // what ran at the look before has ended
        EXPECT_FALSE(w.watch.wants_names());
    }
    EXPECT_FALSE(w.watch.held());
    EXPECT_LE(w.stalled("watch_a"), 2);
}

TEST(horizon_watch, a_source_that_is_read_to_its_head_waits_for_nothing) {
    watched w;
    for (int i = 0; i < 10; ++i) {
        w.time.advance(seconds(2));
        w.look({1, 1}, {1, 1});
    }
    EXPECT_FALSE(w.watch.held());
    EXPECT_EQ(w.stalled("watch_a"), 0);
}

TEST(horizon_watch, tells_for_how_long_whose_events_wait_and_for_what) {
    watched w;
    w.look({1, 1}, {1, 1});
    w.look({2, 1}, {1, 1});
    w.time.advance(seconds(4));
    w.look({3, 1}, {1, 1});
    EXPECT_FALSE(w.watch.wants_names()) << "a few seconds are nothing unusual";
    w.time.advance(seconds(2));
    w.look({4, 1}, {1, 1});
    EXPECT_EQ(w.stalled("watch_a"), 6);
    EXPECT_EQ(w.stalled("watch_b"), 0);
    ASSERT_TRUE(w.watch.wants_names());
    const open_transaction by{.pid = 7, .role = "ada", .state = "idle in transaction", .open = seconds(9)};
    w.watch.tell({by});
    EXPECT_FALSE(w.watch.wants_names()) << "asked just now";
    const auto held = w.watch.held();
    ASSERT_TRUE(held);
    EXPECT_EQ(held->held, seconds(6));
    EXPECT_EQ(held->sources, std::vector<std::string>{"watch_a"});
    EXPECT_EQ(held->by, std::vector<open_transaction>{by});
    w.time.advance(seconds(5));
    EXPECT_TRUE(w.watch.wants_names()) << "it may be another one by now";

    w.look({4, 4}, {1, 1});
    EXPECT_FALSE(w.watch.wants_names());
    EXPECT_FALSE(w.watch.held());
    EXPECT_EQ(w.stalled("watch_a"), 0);
}

TEST(horizon_watch, knows_nothing_while_the_store_is_away) {
    watched w;
    w.look({2, 1}, {2, 1});
    w.time.advance(seconds(60));
    w.watch.forget();
    EXPECT_FALSE(w.watch.held());
    EXPECT_EQ(w.stalled("watch_b"), 0);
}

}  // namespace
}  // namespace bv::events
