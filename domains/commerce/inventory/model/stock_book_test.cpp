#include "domains/commerce/inventory/model/stock_book.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace bv::inventory {
namespace {

order_id order(std::uint8_t n) {
    order_id id;
    id.value.bytes[15] = n;
    return id;
}

stock_book book_of(const std::map<std::string, std::int64_t>& received) {
    stock_book b;
    for (const auto& [sku, n] : received) b.add_level(sku, {n, 0, 0});
    return b;
}

constexpr time_point soon{std::chrono::seconds(100)};

TEST(stock_book, reserves_all_lines_or_none) {
    auto b = book_of({{"a", 5}, {"b", 1}});
    std::vector<shortage> short_of;
    EXPECT_EQ(b.reserve(order(1), {{"a", 2, 0}, {"b", 2, 0}}, soon, short_of), step::rejected);
    ASSERT_EQ(short_of.size(), 1u);
    EXPECT_EQ(short_of[0].sku, "b");
    EXPECT_EQ(short_of[0].available, 1);
    EXPECT_EQ(b.level("a").reserved, 0);
    EXPECT_TRUE(b.level_changes().empty());

    short_of.clear();
    EXPECT_EQ(b.reserve(order(2), {{"a", 5, 0}, {"b", 1, 0}}, soon, short_of), step::reserved);
    EXPECT_EQ(b.level("a").available(), 0);
}

TEST(stock_book, adds_lines_of_one_sku_before_it_compares) {
    auto b = book_of({{"a", 5}});
    std::vector<shortage> short_of;
    EXPECT_EQ(b.reserve(order(1), {{"a", 3, 0}, {"a", 3, 0}}, soon, short_of), step::rejected);
}

TEST(stock_book, an_unknown_sku_is_short) {
    stock_book b;
    std::vector<shortage> short_of;
    EXPECT_EQ(b.reserve(order(1), {{"ghost", 1, 0}}, soon, short_of), step::rejected);
}

TEST(stock_book, every_step_may_be_repeated) {
    auto b = book_of({{"a", 5}});
    std::vector<shortage> none;
    EXPECT_EQ(b.reserve(order(1), {{"a", 2, 0}}, soon, none), step::reserved);
    EXPECT_EQ(b.reserve(order(1), {{"a", 2, 0}}, soon, none), step::nothing);
    EXPECT_EQ(b.commit(order(1), none), step::committed);
    EXPECT_EQ(b.commit(order(1), none), step::nothing);
    EXPECT_EQ(b.level("a"), (stock_level{5, 0, 2}));
    EXPECT_EQ(b.release(order(1)), step::released);
    EXPECT_EQ(b.release(order(1)), step::nothing);
    EXPECT_EQ(b.level("a"), (stock_level{5, 0, 0}));
}

TEST(stock_book, a_sold_order_gives_back_only_what_has_not_come_back) {
    auto b = book_of({{"a", 5}});
    std::vector<shortage> none;
    b.reserve(order(1), {{"a", 4, 0}}, soon, none);
    b.commit(order(1), none);
    const std::vector<reserved_line> back{{"a", 3, 0}};
    EXPECT_EQ(b.take_return(order(1), back), step::restocked);
    EXPECT_EQ(b.level("a").sold, 1);
    EXPECT_EQ(b.take_return(order(1), back), step::restocked);  // one is left
    EXPECT_EQ(b.level("a").sold, 0);
    EXPECT_EQ(b.take_return(order(1), back), step::nothing);
    EXPECT_EQ(b.release(order(1)), step::released);
    EXPECT_EQ(b.level("a").available(), 5);
}

TEST(stock_book, saves_the_reservations_that_a_step_changed_and_no_others) {
    stock_book b;
    b.add_level("a", {9, 3, 0});
    for (std::uint8_t n = 3; n > 0; --n) b.add_reservation({.order = order(n), .lines = {{"a", 1, 0}}, .expires_at = soon});
    EXPECT_TRUE(b.changed_reservations().empty());
    std::vector<shortage> none;
    EXPECT_EQ(b.reserve(order(4), {{"a", 1, 0}}, soon, none), step::reserved);
    EXPECT_EQ(b.release(order(3)), step::released);
    EXPECT_EQ(b.reserve(order(2), {{"a", 1, 0}}, soon, none), step::nothing);
    EXPECT_EQ(b.commit(order(1), none), step::committed);
    const auto changed = b.changed_reservations();
    ASSERT_EQ(changed.size(), 3u);
    EXPECT_EQ(changed[0].order, order(1));
    EXPECT_EQ(changed[0].status, reservation_status::committed);
    EXPECT_EQ(changed[1].order, order(3));
    EXPECT_EQ(changed[1].status, reservation_status::released);
    EXPECT_EQ(changed[2].order, order(4));
    EXPECT_TRUE(changed[2].fresh && !changed[0].fresh && !changed[1].fresh);
}

TEST(stock_book, expires_only_what_is_held_and_overdue) {
    auto b = book_of({{"a", 5}});
    std::vector<shortage> none;
    b.reserve(order(1), {{"a", 1, 0}}, soon, none);
    EXPECT_EQ(b.expire(order(1), soon - std::chrono::seconds(1)), step::nothing);
    EXPECT_EQ(b.expire(order(1), soon), step::expired);
    EXPECT_EQ(b.level("a").available(), 5);
}

TEST(stock_book, sells_what_a_confirmation_finds_although_its_hold_has_ended) {
    auto b = book_of({{"a", 5}, {"b", 1}});
    std::vector<shortage> none;
    b.reserve(order(1), {{"a", 2, 0}, {"b", 1, 0}}, soon, none);
    b.expire(order(1), soon);
    EXPECT_EQ(b.commit(order(1), none), step::committed);
    EXPECT_EQ(b.level("a"), (stock_level{5, 0, 2}));
    EXPECT_EQ(b.level("b"), (stock_level{1, 0, 1}));
    EXPECT_EQ(b.commit(order(1), none), step::nothing);
}

TEST(stock_book, sells_nothing_of_an_expired_hold_when_a_line_is_gone) {
    auto b = book_of({{"a", 5}, {"b", 1}});
    std::vector<shortage> none, gone;
    b.reserve(order(1), {{"a", 2, 0}, {"b", 1, 0}}, soon, none);
    b.expire(order(1), soon);
    b.reserve(order(2), {{"b", 1, 0}}, soon, none);
    EXPECT_EQ(b.commit(order(1), gone), step::rejected);
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone.front().sku, "b");
    EXPECT_EQ(b.level("a"), (stock_level{5, 0, 0}));
    // For good: it is not tried again when a line comes back.
    b.release(order(2));
    EXPECT_EQ(b.commit(order(1), none), step::nothing);
}

// Whatever is asked in whatever order, nothing is created, lost or oversold, and every level is the fold of the reservations.
TEST(stock_book, conserves_stock_under_any_sequence) {
    EXPECT_TRUE(rc::check([] {
        const auto received = *rc::gen::container<std::vector<std::int64_t>>(3, rc::gen::inRange<std::int64_t>(0, 20));
        const char* skus[] = {"a", "b", "c"};
        stock_book b;
        for (int i = 0; i < 3; ++i) b.add_level(skus[i], {received[i], 0, 0});
        const auto steps = *rc::gen::container<std::vector<std::tuple<int, std::uint8_t, int, std::int64_t>>>(rc::gen::tuple(
            rc::gen::inRange(0, 5), rc::gen::inRange<std::uint8_t>(1, 6), rc::gen::inRange(0, 3), rc::gen::inRange<std::int64_t>(1, 8)));
        for (const auto& [what, who, which, quantity] : steps) {
            std::vector<shortage> short_of;
            const std::vector<reserved_line> lines{{skus[which], quantity, 0}, {skus[(which + 1) % 3], 1, 0}};
            switch (what) {
                case 0: b.reserve(order(who), lines, soon, short_of); break;
                case 1: b.commit(order(who), short_of); break;
                case 2: b.release(order(who)); break;
                case 3: b.expire(order(who), soon); break;
                default: b.take_return(order(who), lines);
            }
            std::map<std::string, stock_level> folded;
            for (std::uint8_t o = 1; o < 6; ++o)
                if (const auto* r = b.find(order(o)))
                    for (const auto& l : r->lines) {
                        if (r->status == reservation_status::held) folded[l.sku].reserved += l.quantity;
                        if (r->status == reservation_status::committed) folded[l.sku].sold += l.quantity - l.returned;
                    }
            for (int i = 0; i < 3; ++i) {
                const auto level = b.level(skus[i]);
                RC_ASSERT(level.available() >= 0);
                RC_ASSERT(level.received == received[i]);
                RC_ASSERT(level.reserved == folded[skus[i]].reserved);
                RC_ASSERT(level.sold == folded[skus[i]].sold);
            }
        }
    }));
}

}  // namespace
}  // namespace bv::inventory
