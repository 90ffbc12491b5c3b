#include "platform/core/uuid.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/core/clock.hpp"

namespace bv {
namespace {

struct fixed_clock final : clock {
    time_point at{};
    time_point now() const override { return at; }
    steady_point steady_now() const override { return {}; }
    task<void> sleep_until(steady_point) override { co_return; }
    std::unique_ptr<timer> make_timer(asio::any_io_executor) override { return nullptr; }
};

TEST(uuid, reads_what_it_writes) {
    EXPECT_TRUE(rc::check([](const std::array<std::uint8_t, 16>& bytes) {
        const uuid u{bytes};
        RC_ASSERT(u.str().size() == 36U);
        RC_ASSERT(uuid::parse(u.str()) == u);
    }));
}

TEST(uuid, accepts_either_case_and_nothing_else) {
    const auto u = uuid::parse("0190B8A4-1c2d-7abc-8def-0123456789ab");
    ASSERT_TRUE(u);
    EXPECT_EQ(u->str(), "0190b8a4-1c2d-7abc-8def-0123456789ab");
    for (const char* bad : {"", "0190b8a4-1c2d-7abc-8def-0123456789a", "0190b8a4-1c2d-7abc-8def-0123456789abc", "0190b8a41c2d-7abc-8def-00123456789ab",
                            "{190b8a4-1c2d-7abc-8def-0123456789a}", "0190b8a4-1c2d-7abc-8def-0123456789ag", "0190b8a4 1c2d-7abc-8def-0123456789ab"})
        EXPECT_FALSE(uuid::parse(bad)) << bad;
}

TEST(uuid, version_7_carries_time_version_and_variant) {
    fixed_clock c;
    c.at = time_point(microseconds(0x0190'B8A4'1C2D * std::int64_t{1000} + 500));
    seeded_rng r(1);
    const auto u = uuid::v7(c, r);
    EXPECT_EQ(u.str().substr(0, 15), "0190b8a4-1c2d-7");
    EXPECT_EQ(u.bytes[6], 0x78) << "half of a millisecond is 0x800 of 4096";
    EXPECT_EQ(u.bytes[7], 0x00);
    EXPECT_EQ(u.bytes[8] & 0xC0, 0x80);
}

TEST(uuid, version_7_of_later_microseconds_sorts_later) {
    EXPECT_TRUE(rc::check([] {
        const auto first = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 50);
        const auto later = first + *rc::gen::inRange<std::int64_t>(1, 10'000);
        fixed_clock c;
        seeded_rng r(*rc::gen::arbitrary<std::uint64_t>());
        c.at = time_point(microseconds(first));
        const auto a = uuid::v7(c, r);
        c.at = time_point(microseconds(later));
        RC_ASSERT(a < uuid::v7(c, r));
    }));
}

TEST(uuid, the_same_clock_and_seed_mint_the_same_id_and_two_draws_differ) {
    fixed_clock c;
    seeded_rng a(7), b(7);
    const auto first = uuid::v7(c, a);
    EXPECT_EQ(first, uuid::v7(c, b));
    EXPECT_NE(first, uuid::v7(c, a));
}

TEST(uuid, named_is_a_version_8_hash_of_the_name) {
    EXPECT_EQ(uuid::named("order/1"), uuid::named("order/1"));
    EXPECT_NE(uuid::named("order/1"), uuid::named("order/2"));
    // SHA-256("abc") = ba7816bf 8f01cfea 414140de 5dae2223…
    EXPECT_EQ(uuid::named("abc").str(), "ba7816bf-8f01-8fea-8141-40de5dae2223");
}

TEST(uuid, strong_ids_hash_and_parse) {
    struct order_tag;
    using order_id = strong_id<order_tag>;
    const auto id = order_id::v7(system_clock(), system_rng());
    EXPECT_EQ(order_id::parse(id.str()), id);
    EXPECT_EQ(std::hash<order_id>{}(id), std::hash<uuid>{}(id.value));
    EXPECT_FALSE(id.is_nil());
}

}  // namespace
}  // namespace bv
