#include "platform/events/source_tail.hpp"

#include <gtest/gtest.h>

namespace bv::events {
namespace {

event_ptr at(std::int64_t position, std::string type = "a", std::size_t bytes = 1) {
    auto e = std::make_shared<event>();
    e->position = position;
    e->type = std::move(type);
    e->payload = std::string(bytes, 'x');
    return e;
}

std::vector<std::int64_t> positions(const tail_slice& s) {
    std::vector<std::int64_t> out;
    for (const auto& e : s.events) out.push_back(e->position);
    return out;
}
using list = std::vector<std::int64_t>;

TEST(source_tail, gives_what_follows_a_position_in_order_and_says_how_far_it_looked) {
    source_tail tail("s", {});
    tail.begin(10);
    tail.append({at(12), at(13, "b"), at(20)});
    const auto all = tail.take(10, {}, 10);
    EXPECT_EQ(positions(all), (list{12, 13, 20}));
    EXPECT_EQ(all.scanned, 20);
    const auto some = tail.take(12, {"a"}, 10);
    EXPECT_EQ(positions(some), (list{20}));
    const auto none = tail.take(10, {"c"}, 10);
    EXPECT_EQ(positions(none), list{});
    EXPECT_EQ(none.scanned, 20);
    const auto first = tail.take(10, {"a"}, 1);
    EXPECT_EQ(positions(first), (list{12}));
    EXPECT_EQ(first.scanned, 12);
}

TEST(source_tail, sends_a_reader_that_is_older_than_what_it_holds_to_the_table) {
    source_tail tail("s", {.events = 3});
    tail.begin(10);
    EXPECT_TRUE(tail.take(9, {}, 10).behind);
    EXPECT_FALSE(tail.take(10, {}, 10).behind);
    tail.append({at(11), at(12), at(13), at(14)});
    EXPECT_TRUE(tail.take(10, {}, 10).behind);
    EXPECT_EQ(tail.take(10, {}, 10).head, 14);
    EXPECT_EQ(positions(tail.take(11, {}, 10)), (list{12, 13, 14}));
}

TEST(source_tail, is_bounded_by_the_bytes_of_its_payloads) {
    source_tail tail("s", {.events = 100, .bytes = 250});
    tail.begin(0);
    tail.append({at(1, "a", 100), at(2, "a", 100), at(3, "a", 100)});
    EXPECT_TRUE(tail.take(0, {}, 10).behind);
    EXPECT_EQ(positions(tail.take(1, {}, 10)), (list{2, 3}));
    tail.append({at(4, "a", 1'000)});
    EXPECT_EQ(positions(tail.take(3, {}, 10)), (list{4}));
}

TEST(source_tail, gives_nothing_before_it_has_begun) {
    source_tail tail("s", {});
    const auto s = tail.take(5, {}, 10);
    EXPECT_FALSE(s.behind);
    EXPECT_TRUE(s.events.empty());
    EXPECT_EQ(s.scanned, 5);
}

TEST(source_tail, forgets_all_at_a_restart_and_tells_its_readers) {
    source_tail tail("s", {});
    tail.begin(0);
    tail.append({at(1), at(2)});
    const auto before = tail.take(0, {}, 10).generation;
    tail.restart();
    EXPECT_TRUE(tail.take(0, {}, 10).events.empty());
    EXPECT_NE(tail.take(0, {}, 10).generation, before);
    tail.begin(1);
    tail.append({at(2)});
    EXPECT_EQ(positions(tail.take(1, {}, 10)), (list{2}));
}

}  // namespace
}  // namespace bv::events
