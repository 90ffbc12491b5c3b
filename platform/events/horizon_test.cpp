#include "platform/events/horizon.hpp"

#include <gtest/gtest.h>

#include <set>

#include "platform/core/clock.hpp"

namespace bv::events {
namespace {

TEST(horizon, is_safe_at_once_when_no_transaction_runs) {
    horizon h;
    EXPECT_EQ(h.observe(7, 100, 100, "a"), 7);
    EXPECT_FALSE(h.waiting());
}

TEST(horizon, waits_for_every_transaction_that_may_hold_a_lower_position) {
    horizon h;
    EXPECT_EQ(h.observe(3, 100, 100, "a"), 3);
    EXPECT_EQ(h.observe(5, 100, 102, "a"), 3);
    EXPECT_EQ(h.observe(8, 101, 104, "a"), 3);  // 100 ended, 101 runs
    EXPECT_TRUE(h.waiting());
    EXPECT_EQ(h.observe(9, 102, 105, "a"), 5);
    EXPECT_EQ(h.observe(9, 104, 105, "a"), 8);
    EXPECT_EQ(h.observe(9, 105, 105, "a"), 9);
}

TEST(horizon, does_not_trust_a_snapshot_whose_only_running_transaction_is_the_newest) {
    // PostgreSQL prints "726:726:" for it although 726 runs: only next_xid tells.
    horizon h;
    EXPECT_EQ(h.observe(2, 726, 727, "a"), 0);
    EXPECT_EQ(h.observe(2, 727, 727, "a"), 2);
}

TEST(horizon, forgets_what_it_knew_when_the_server_recovered) {
    horizon h;
    EXPECT_EQ(h.observe(10, 100, 100, "a"), 10);
    EXPECT_EQ(h.observe(12, 100, 103, "b"), 0);
    EXPECT_EQ(h.resets(), 2u);
    EXPECT_EQ(h.observe(12, 103, 103, "b"), 12);
}

TEST(horizon, forgets_what_it_knew_when_the_sequence_fell_back) {
    horizon h;
    EXPECT_EQ(h.observe(10, 100, 100, "a"), 10);
    EXPECT_EQ(h.observe(6, 100, 102, "a"), 0);
}

TEST(horizon, is_never_ahead_of_the_last_probe_that_is_covered_when_marks_are_merged) {
    horizon h;
    for (int i = 1; i <= 500; ++i) EXPECT_EQ(h.observe(i, 50, 100 + i, "a"), 0);
    EXPECT_LE(h.observe(501, 150, 601, "a"), 50);
    EXPECT_EQ(h.observe(501, 601, 601, "a"), 501);
}

// A model of the server: transactions draw ids, then positions, and end in any order. No row may appear at or below a
// position that was called safe.
TEST(horizon, never_calls_safe_what_a_running_transaction_holds) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        seeded_rng random(seed);
        horizon h;
        std::int64_t next_xid = 10, sequence = 0;
        std::set<std::int64_t> running;                               // ids
        std::set<std::pair<std::int64_t, std::int64_t>> uncommitted;  // position, id
        for (int step = 0; step < 400; ++step) {
            switch (random.below(4)) {
                case 0: running.insert(next_xid++); break;
                case 1:
                    if (!running.empty()) {
                        auto it = std::next(running.begin(), static_cast<std::ptrdiff_t>(random.below(running.size())));
                        uncommitted.emplace(++sequence, *it);
                    }
                    break;
                case 2:
                    if (!running.empty()) {
                        auto it = std::next(running.begin(), static_cast<std::ptrdiff_t>(random.below(running.size())));
                        std::erase_if(uncommitted, [&](const auto& row) { return row.second == *it; });
                        running.erase(it);
                    }
                    break;
                default: {
                    // A writer may come between the steps of a probe.
                    const auto head = sequence;
                    if (random.below(2) == 0) running.insert(next_xid++), uncommitted.emplace(++sequence, next_xid - 1);
                    const auto xmin = running.empty() ? next_xid : *running.begin();
                    const auto bound = next_xid;
                    const auto safe = h.observe(head, xmin, bound, "a");
                    if (!uncommitted.empty()) {
                        ASSERT_GT(uncommitted.begin()->first, safe) << "seed " << seed;
                    }
                }
            }
        }
        const auto end = h.observe(sequence, next_xid, next_xid, "a");
        EXPECT_EQ(end, sequence);
    }
}

}  // namespace
}  // namespace bv::events
