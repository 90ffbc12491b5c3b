#include "platform/events/horizon_watch.hpp"

#include <gtest/gtest.h>

#include "platform/testing/fake_clock.hpp"

namespace bv::events {
namespace {

struct watched {
    testing::fake_clock time;
    horizon_watch watch{{"watch_a", "watch_b"}, time, {.patience = seconds(5), .warn_again = seconds(30)}};
    horizon a, b;
    std::int64_t next = 100;

    // A look while the transaction `oldest` is the oldest one; `heads` as drawn by now.
    void look(std::int64_t head_a, std::int64_t head_b, std::int64_t oldest) {
        ++next;
        a.observe(head_a, oldest, next, "e");
        b.observe(head_b, oldest, next, "e");
        watch.observe(0, a);
        watch.observe(1, b);
    }
    double stalled(const char* source) { return telemetry::measure("bv_events_horizon_stalled_seconds", "", {{"source", source}}).value(); }
};

TEST(horizon_watch, is_quiet_while_positions_move) {
    watched w;
    for (int i = 1; i <= 20; ++i) {
        w.time.advance(seconds(2));
        w.look(i, i, w.next);  // what ran at the look before has ended
        EXPECT_FALSE(w.watch.wants_names());
    }
    EXPECT_FALSE(w.watch.held());
    EXPECT_LE(w.stalled("watch_a"), 2);
}

TEST(horizon_watch, an_open_transaction_without_new_events_holds_nothing) {
    watched w;
    w.look(1, 1, 101);
    for (int i = 0; i < 10; ++i) {
        w.time.advance(seconds(2));
        w.look(1, 1, 101);
    }
    EXPECT_FALSE(w.watch.held());
    EXPECT_EQ(w.stalled("watch_a"), 0);
}

TEST(horizon_watch, tells_for_how_long_whose_events_wait_and_for_what) {
    watched w;
    w.look(1, 1, 101);
    w.look(2, 1, 101);
    w.time.advance(seconds(4));
    w.look(3, 1, 101);
    EXPECT_FALSE(w.watch.wants_names()) << "a few seconds are nothing unusual";
    w.time.advance(seconds(2));
    w.look(4, 1, 101);
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

    w.look(4, 1, w.next + 1);
    EXPECT_FALSE(w.watch.wants_names());
    EXPECT_FALSE(w.watch.held());
    EXPECT_EQ(w.stalled("watch_a"), 0);
}

TEST(horizon_watch, knows_nothing_while_the_store_is_away) {
    watched w;
    w.look(1, 1, 101);
    w.look(2, 2, 101);
    w.time.advance(seconds(60));
    w.watch.forget();
    EXPECT_FALSE(w.watch.held());
    EXPECT_EQ(w.stalled("watch_b"), 0);
}

}  // namespace
}  // namespace bv::events
