#include "platform/resilience/rate_limit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/testing/run.hpp"

namespace bv::resilience {
namespace {

using namespace std::chrono_literals;

constexpr steady_point start{1h};

TEST(rate_limiter, allows_a_burst_and_then_the_rate) {
    rate_limiter r({.name = "test", .limit = 5, .window = 10s});
    for (std::uint32_t i = 0; i < 5; ++i) {
        const auto d = r.take("a", start);
        EXPECT_TRUE(d.allowed);
        EXPECT_EQ(d.remaining, 4 - i);
        EXPECT_EQ(d.reset, 2s * (i + 1));
        EXPECT_TRUE(d.outcome());
    }
    const auto d = r.take("a", start);
    EXPECT_FALSE(d.allowed);
    EXPECT_EQ(d.limit, 5U);
    EXPECT_EQ(d.remaining, 0U);
    EXPECT_EQ(d.retry_after, 2s);
    EXPECT_EQ(d.reset, 10s);
    ASSERT_FALSE(d.outcome());
    EXPECT_EQ(d.outcome().error().reason, "RATE_LIMITED");
    EXPECT_EQ(d.outcome().error().code, code::resource_exhausted);
    EXPECT_EQ(d.outcome().error().retry_after, 2s);
    EXPECT_FALSE(r.take("a", start + 1999ms).allowed);
    EXPECT_TRUE(r.take("a", start + 2s).allowed);
    EXPECT_FALSE(r.take("a", start + 2s).allowed);
}

TEST(rate_limiter, a_look_spends_nothing_and_remembers_nobody) {
    rate_limiter r({.name = "test", .limit = 2, .window = 10s});
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(r.look("a", start).allowed);
    EXPECT_EQ(r.size(), 0U);
    EXPECT_TRUE(r.take("a", start).allowed && r.look("a", start).allowed && r.take("a", start).allowed);
    const auto d = r.look("a", start);
    EXPECT_FALSE(d.allowed);
    EXPECT_EQ(d.retry_after, 5s);
    EXPECT_TRUE(r.look("a", start + 5s).allowed);
    EXPECT_TRUE(r.look("b", start).allowed);
}

TEST(rate_limiter, keys_do_not_share) {
    rate_limiter r({.name = "test", .limit = 1, .window = 1s});
    EXPECT_TRUE(r.take("a", start).allowed);
    EXPECT_TRUE(r.take("b", start).allowed);
    EXPECT_FALSE(r.take("a", start).allowed);
}

TEST(rate_limiter, no_span_of_a_window_passes_more_than_burst_and_rate) {
    EXPECT_TRUE(rc::check([] {
        const auto limit = *rc::gen::inRange<std::uint32_t>(1, 20);
        rate_limiter r({.name = "test", .limit = limit, .window = 1s});
        auto now = start;
        std::vector<steady_point> passed;
        const auto gaps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 300));
        for (const int gap : gaps) {
            now += milliseconds(gap);
            const auto d = r.take("a", now);
            if (d.allowed) passed.push_back(now);
            // What it promises holds: refused until retry_after, allowed then.
            if (!d.allowed) {
                RC_ASSERT(d.retry_after > 0ms);
            }
        }
        for (std::size_t i = 0; i < passed.size(); ++i)
            for (std::size_t k = i; k < passed.size(); ++k) {
                const auto span = passed[k] - passed[i];
                RC_ASSERT(k - i + 1 <= limit + static_cast<std::size_t>(span / (1'000'000'000ns / limit)));
            }
    }));
}

TEST(rate_limiter, remembers_a_bounded_number_of_keys_and_keeps_the_busiest) {
    rate_limiter r({.name = "test", .limit = 3, .window = 60s, .most_keys = 320});
    const auto exhaust = [&r](steady_point now) {
        bool refused = false;
        for (int k = 0; k < 4; ++k) refused = !r.take("attacker", now).allowed;
        return refused;
    };
    EXPECT_TRUE(exhaust(start));
    for (int i = 0; i < 10'000; ++i) (void)r.take("visitor " + std::to_string(i), start);
    EXPECT_LE(r.size(), 320U);
    EXPECT_FALSE(r.take("attacker", start).allowed) << "one with less use gave way";
}

TEST(rate_limiter, a_reused_place_starts_afresh) {
    rate_limiter r({.name = "test", .limit = 1, .window = 1s, .most_keys = 1});
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(r.take("key " + std::to_string(i), start).allowed);
}

class counted_elsewhere final : public shared_limits {
public:
    task<std::optional<rate_decision>> take(const rate_limit_options& o, std::string) override {
        ++asked;
        if (away) co_return std::nullopt;
        co_return rate_decision{.allowed = asked <= allowed, .limit = o.limit, .remaining = 1, .retry_after = milliseconds(asked <= allowed ? 0 : 7)};
    }
    bool away = false;
    int asked = 0, allowed = 1;
};

rate_decision take(rate_limiter& r, shared_limits* others) { return testing::run(r.take(std::string("a"), start, others)); }

TEST(rate_limiter, what_all_processes_count_decides) {
    rate_limiter r({.name = "test", .limit = 5, .window = 10s});
    counted_elsewhere others;
    EXPECT_TRUE(take(r, &others).allowed);
    const auto refused = take(r, &others);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.retry_after, 7ms);
}

TEST(rate_limiter, goes_on_with_its_own_count_while_the_others_are_away) {
    rate_limiter r({.name = "test", .limit = 3, .window = 10s});
    counted_elsewhere others;
    others.allowed = 100;
    EXPECT_TRUE(take(r, &others).allowed);
    others.away = true;
    EXPECT_EQ(take(r, &others).remaining, 1U);  // of three, two are spent here
    EXPECT_TRUE(take(r, nullptr).allowed);
    others.away = false;
    others.asked = 0;
    EXPECT_FALSE(take(r, &others).allowed);
    EXPECT_EQ(others.asked, 0);  // what this process refuses costs the others nothing
}

}  // namespace
}  // namespace bv::resilience
