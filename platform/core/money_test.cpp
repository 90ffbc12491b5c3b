#include "platform/core/money.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace bv {
namespace {

constexpr auto gbp = "GBP"_cur, jpy = "JPY"_cur, kwd = "KWD"_cur;
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();

TEST(currency, knows_iso_4217_and_its_digits) {
    EXPECT_EQ(currency::parse("GBP"), gbp);
    EXPECT_EQ(gbp.exponent(), 2);
    EXPECT_EQ(jpy.exponent(), 0);
    EXPECT_EQ(kwd.exponent(), 3);
    EXPECT_EQ("ZWG"_cur.exponent(), 2);
    for (const char* bad : {"", "GB", "gbp", "GBPX", "ABC", "XXX", "P U", "D A"}) EXPECT_FALSE(currency::parse(bad)) << bad;
}

TEST(money, arithmetic_is_exact_or_refused) {
    EXPECT_TRUE(rc::check([](std::int64_t a, std::int64_t b) {
        const money x{a, gbp}, y{b, gbp};
        if (const auto sum = x.plus(y)) {
            RC_ASSERT(sum->minus(y).value() == x);
            RC_ASSERT(y.plus(x).value() == *sum);
        }
        std::int64_t expected = 0;
        RC_ASSERT(x.plus(y).has_value() == !__builtin_add_overflow(a, b, &expected));
        RC_ASSERT(x.minus(y).has_value() == !__builtin_sub_overflow(a, b, &expected));
        RC_ASSERT(x.times(b).has_value() == !__builtin_mul_overflow(a, b, &expected));
    }));
    EXPECT_EQ((money{most, gbp}.plus({1, gbp}).error()), money_errc::overflow);
    EXPECT_EQ((money{least, gbp}.minus({1, gbp}).error()), money_errc::overflow);
    EXPECT_EQ((money{least, gbp}.times(-1).error()), money_errc::overflow);
    EXPECT_EQ((money{1, gbp}.plus({1, jpy}).error()), money_errc::currency_mismatch);
    EXPECT_EQ((money{1, gbp}.minus({1, jpy}).error()), money_errc::currency_mismatch);
}

TEST(money, scales_half_to_even) {
    struct {
        std::int64_t amount, numerator, denominator, expected;
    } const cases[] = {{5, 1, 2, 2},   {15, 1, 10, 2},  {25, 1, 10, 2},   {35, 1, 10, 4},   {26, 1, 10, 3},  {24, 1, 10, 2},
                       {-5, 1, 2, -2}, {-15, 1, 10, -2}, {-25, 1, 10, -2}, {-26, 1, 10, -3}, {1099, 20, 100, 220}, {0, 7, 3, 0},
                       {most, most, most, most}, {least, 1, 1, least}};
    for (const auto& c : cases) {
        const auto out = money{c.amount, gbp}.scaled(c.numerator, c.denominator);
        ASSERT_TRUE(out) << c.amount;
        EXPECT_EQ(out->minor, c.expected) << c.amount << " × " << c.numerator << "/" << c.denominator;
    }
    EXPECT_EQ((money{most, gbp}.scaled(3, 2).error()), money_errc::overflow);
}

TEST(money, writes_and_reads_decimals) {
    EXPECT_EQ((money{1099, gbp}.str()), "10.99 GBP");
    EXPECT_EQ((money{-5, gbp}.str()), "-0.05 GBP");
    EXPECT_EQ((money{0, gbp}.str()), "0.00 GBP");
    EXPECT_EQ((money{500, jpy}.str()), "500 JPY");
    EXPECT_EQ((money{1, kwd}.str()), "0.001 KWD");
    EXPECT_EQ((money{least, gbp}.str()), "-92233720368547758.08 GBP");
    EXPECT_EQ(money::parse("10.99", gbp), (money{1099, gbp}));
    EXPECT_EQ(money::parse("10.9", gbp), (money{1090, gbp}));
    EXPECT_EQ(money::parse("-3", gbp), (money{-300, gbp}));
    for (const char* bad : {"", "-", ".5", "5.", "+5", "1e3", "10.999", " 1", "1 ", "1,00", "--1", "92233720368547758.08", "99999999999999999999"})
        EXPECT_FALSE(money::parse(bad, gbp)) << bad;
    EXPECT_FALSE(money::parse("1.0", jpy));
}

TEST(money, reads_what_it_writes) {
    EXPECT_TRUE(rc::check([](std::int64_t minor) {
        for (const auto c : {gbp, jpy, kwd}) {
            const money m{minor, c};
            const auto text = m.str();
            RC_ASSERT(money::parse(std::string_view(text).substr(0, text.size() - 4), c) == m);
        }
    }));
}

}  // namespace
}  // namespace bv
