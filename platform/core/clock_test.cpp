#include "platform/core/clock.hpp"

#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace bv {
namespace {

using namespace std::chrono_literals;

time_point at(int y, unsigned m, unsigned d, microseconds rest = {}) {
    return time_point(std::chrono::sys_days(std::chrono::year(y) / std::chrono::month(m) / std::chrono::day(d))) + rest;
}

TEST(rfc3339, writes_as_many_digits_as_needed) {
    EXPECT_EQ(rfc3339(at(2026, 1, 31, 9h)), "2026-01-31T09:00:00Z");
    EXPECT_EQ(rfc3339(at(2026, 1, 31, 9h + 250ms)), "2026-01-31T09:00:00.250Z");
    EXPECT_EQ(rfc3339(at(2026, 1, 31, 9h + 250us)), "2026-01-31T09:00:00.000250Z");
    EXPECT_EQ(rfc3339(at(1969, 12, 31, 23h + 59min + 59s + 999ms)), "1969-12-31T23:59:59.999Z");
}

TEST(rfc3339, reads_what_it_writes) {
    EXPECT_TRUE(rc::check([] {
        const time_point t(microseconds(*rc::gen::inRange<std::int64_t>(-60'000'000'000'000'000, 250'000'000'000'000'000)));
        RC_ASSERT(parse_rfc3339(rfc3339(t)) == t);
    }));
}

TEST(rfc3339, reads_offsets_and_short_fractions) {
    EXPECT_EQ(parse_rfc3339("2026-01-31T10:00:00+01:00"), at(2026, 1, 31, 9h));
    EXPECT_EQ(parse_rfc3339("2026-01-31T09:00:00-05:30"), at(2026, 1, 31, 14h + 30min));
    EXPECT_EQ(parse_rfc3339("2026-01-31t09:00:00.5z"), at(2026, 1, 31, 9h + 500ms));
    EXPECT_EQ(parse_rfc3339("2026-01-31T09:00:00.123456789Z"), at(2026, 1, 31, 9h + 123456us));
    EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), at(2024, 2, 29));
}

TEST(rfc3339, refuses_everything_else) {
    for (const char* bad : {"", "2026-01-31", "2026-01-31T09:00:00", "2026-01-31 09:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
                            "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z", "2026-01-31T09:00:60Z", "2026-01-31T09:00:00.Z", "2026-01-31T09:00:00.1234567890Z",
                            "2026-01-31T09:00:00Z ", "2026-01-31T09:00:00+1:00", "2026-01-31T09:00:00+24:00", "+026-01-31T09:00:00Z", "2026-1-31T09:00:00Z"})
        EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(seeded_rng, gives_the_same_numbers_for_the_same_seed) {
    seeded_rng a(42), b(42), c(43);
    std::vector<std::uint64_t> first;
    for (int i = 0; i < 100; ++i) first.push_back(a.next());
    for (const auto n : first) EXPECT_EQ(n, b.next());
    EXPECT_NE(first[0], c.next());
    EXPECT_EQ(std::set<std::uint64_t>(first.begin(), first.end()).size(), 100U);
}

TEST(rng, below_stays_below_and_reaches_every_value) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        seeded_rng r(seed);
        const auto bound = *rc::gen::inRange<std::uint64_t>(1, std::numeric_limits<std::uint64_t>::max());
        RC_ASSERT(r.below(bound) < bound);
        RC_ASSERT(r.below(1) == 0U);
    }));
    seeded_rng r(1);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 200; ++i) seen.insert(r.below(6));
    EXPECT_EQ(seen.size(), 6U);
}

TEST(rng, uniform_is_in_the_unit_interval) {
    seeded_rng r(9);
    double low = 1, high = 0;
    for (int i = 0; i < 1000; ++i) {
        const double u = r.uniform();
        low = std::min(low, u);
        high = std::max(high, u);
    }
    EXPECT_GE(low, 0.0);
    EXPECT_LT(high, 1.0);
    EXPECT_LT(low, 0.05);
    EXPECT_GT(high, 0.95);
}

TEST(system_rng, fills_any_length_with_fresh_bytes) {
    for (std::size_t n : {0U, 1U, 63U, 64U, 65U, 5000U}) {
        std::vector<std::uint8_t> a(n), b(n);
        system_rng().fill(a);
        system_rng().fill(b);
        if (n >= 8) {
            EXPECT_NE(a, b) << n;
        }
    }
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(system_rng().next());
    EXPECT_EQ(seen.size(), 1000U);
}

task<void> note_sleep(bool& woke) {
    co_await system_clock().sleep_for(1ms);
    woke = true;
}

TEST(system_clock, sleeps_on_the_callers_executor) {
    asio::io_context io;
    bool woke = false;
    const auto before = system_clock().steady_now();
    asio::co_spawn(io, note_sleep(woke), asio::detached);
    io.run();
    EXPECT_TRUE(woke);
    EXPECT_GE(system_clock().steady_now() - before, 1ms);
}

}  // namespace
}  // namespace bv
