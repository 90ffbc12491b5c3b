#include "app/replay/return_index.hpp"

#include <gtest/gtest.h>

#include <map>

#include <rapidcheck.h>

namespace bv::replay {
namespace {

constexpr auto all_confirmed = [](order_slot) { return outcome::confirmed; };

std::int64_t units(const return_match& m, unmatched why) { return m.unmatched_units[static_cast<std::size_t>(why)]; }

std::int64_t matched(const return_match& m) {
    std::int64_t n = 0;
    for (const auto& o : m.orders)
        for (const auto& l : o.lines) n += l.quantity;
    return n;
}

// One customer; SKU 1 bought in orders 0 (5 units), 1 (3) and 2 (2).
return_index three_orders() {
    return_index index(1);
    index.add(0, 0, std::vector<wanted_return>{{1, 5}, {2, 1}});
    index.add(0, 1, std::vector<wanted_return>{{1, 3}});
    index.add(0, 2, std::vector<wanted_return>{{1, 2}});
    return index;
}

TEST(return_index, takes_from_the_newest_order_first) {
    const auto index = three_orders();
    const auto m = index.match(0, 3, std::vector<wanted_return>{{1, 4}}, all_confirmed);
    ASSERT_EQ(m.orders.size(), 2u);
    EXPECT_EQ(m.orders[0].order, 2u);
    EXPECT_EQ(m.orders[0].lines[0].quantity, 2);
    EXPECT_EQ(m.orders[1].order, 1u);
    EXPECT_EQ(m.orders[1].lines[0].quantity, 2);
}

TEST(return_index, makes_one_return_an_order_of_several_skus) {
    const auto index = three_orders();
    const auto m = index.match(0, 1, std::vector<wanted_return>{{1, 1}, {2, 1}}, all_confirmed);
    ASSERT_EQ(m.orders.size(), 1u);
    EXPECT_EQ(m.orders[0].lines.size(), 2u);
}

TEST(return_index, never_takes_from_an_order_that_stands_later_in_the_file) {
    const auto index = three_orders();
    const auto m = index.match(0, 1, std::vector<wanted_return>{{1, 9}}, all_confirmed);
    EXPECT_EQ(matched(m), 5);
    EXPECT_EQ(units(m, unmatched::more_than_bought), 4);
}

TEST(return_index, says_why_units_found_no_order) {
    const auto index = three_orders();
    const auto none_of_two = [](order_slot s) { return s == 2 ? outcome::cancelled : outcome::confirmed; };
    const auto none = [](order_slot) { return outcome::cancelled; };
    EXPECT_EQ(units(index.match(0, 3, std::vector<wanted_return>{{9, 2}}, all_confirmed), unmatched::no_earlier_purchase), 2);
    EXPECT_EQ(units(index.match(0, 3, std::vector<wanted_return>{{none_such, 2}}, all_confirmed), unmatched::no_earlier_purchase), 2);
    EXPECT_EQ(units(index.match(0, 3, std::vector<wanted_return>{{1, 2}}, none), unmatched::order_cancelled), 2);
    EXPECT_EQ(matched(index.match(0, 3, std::vector<wanted_return>{{1, 8}}, none_of_two)), 8);
    EXPECT_EQ(units(index.match(0, 3, std::vector<wanted_return>{{1, 10}}, none_of_two), unmatched::order_cancelled), 2);
}

TEST(return_index, asks_for_the_outcome_of_a_newer_order_before_it_takes_from_an_older) {
    const auto index = three_orders();
    const auto m = index.match(0, 3, std::vector<wanted_return>{{1, 1}}, [](order_slot s) { return s == 2 ? outcome::unknown : outcome::confirmed; });
    EXPECT_EQ(m.undecided, std::vector<order_slot>{2});
}

// However returns come, no more comes back of an order's line than was bought, and every unit is matched or explained.
TEST(return_index, conserves_units) {
    EXPECT_TRUE(rc::check("conservation", [] {
        const auto customers = static_cast<std::uint32_t>(*rc::gen::inRange(1, 3));
        return_index index(customers);
        std::map<std::pair<order_slot, std::uint32_t>, std::int64_t> left;
        std::map<order_slot, std::uint32_t> owner;
        order_slot next = 0;
        const auto ends = [](order_slot s) { return s % 5 == 4 ? outcome::cancelled : outcome::confirmed; };
        for (int steps = *rc::gen::inRange(1, 40); steps > 0; --steps) {
            const auto who = static_cast<std::uint32_t>(*rc::gen::inRange<int>(0, static_cast<int>(customers)));
            std::vector<wanted_return> lines;
            for (std::uint32_t sku = 0; sku < 3; ++sku)
                if (*rc::gen::arbitrary<bool>()) lines.push_back({sku, *rc::gen::inRange<std::int64_t>(1, 10)});
            if (*rc::gen::arbitrary<bool>()) {
                for (const auto& l : lines) left[{next, l.sku}] = l.quantity;
                owner[next] = who;
                index.add(who, next++, lines);
                continue;
            }
            const auto m = index.match(who, next, lines, ends);
            index.take(who, m);
            std::int64_t asked = 0, explained = matched(m);
            for (const auto& l : lines) asked += l.quantity;
            for (const auto n : m.unmatched_units) explained += n;
            RC_ASSERT(asked == explained);
            for (const auto& o : m.orders) {
                RC_ASSERT(owner[o.order] == who && ends(o.order) == outcome::confirmed);
                for (const auto& l : o.lines) RC_ASSERT((left[{o.order, l.sku}] -= l.quantity) >= 0);
            }
        }
    }));
}

}  // namespace
}  // namespace bv::replay
