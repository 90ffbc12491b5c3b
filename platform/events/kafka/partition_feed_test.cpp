#include "platform/events/kafka/partition_feed.hpp"

#include <gmock/gmock.h>

#include "platform/events/kafka/record.hpp"
#include "platform/testing/run.hpp"

namespace bv::events::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

event_ptr an_event_at(std::int64_t position, std::string type = "test.v1.Happened") {
    auto e = std::make_shared<event>();
    e->position = position;
    e->type = std::move(type);
    return e;
}

class a_partition_feed : public ::testing::Test {
protected:
    a_partition_feed() {
        feed.attach(wakes);
        feed.attach_consumer(wakes);
    }
    // A partition that was taken over and whose position is loaded.
    void hold(const partition_position& at) {
        feed.assign(at);
        loaded.push_back(at);
        feed.load(loaded);
    }
    arrival arrive(std::int32_t partition, std::int64_t offset, std::int64_t position) {
        const auto what = feed.arrive(partition, offset, position, an_event_at(position));
        feed.announce();
        return what;
    }
    supply_slice take(std::int64_t after = 0, std::vector<std::string> types = {}) { return testing::run(feed.take(after, std::move(types), 100)); }
    std::vector<std::int64_t> positions(std::int64_t after = 0) {
        std::vector<std::int64_t> out;
        for (const auto& s : take(after).events) out.push_back(s.event->position);
        return out;
    }

    asio::io_context context;
    std::shared_ptr<signal> wakes = std::make_shared<signal>(context.get_executor(), system_clock());
    std::vector<partition_position> loaded;
    partition_feed feed{"maker", {.most_waiting = 4, .resume_below = 2}};
};

TEST_F(a_partition_feed, hands_records_on_in_the_order_they_came_once_they_are_announced) {
    hold({0, 0, 0});
    hold({1, 0, 0});
    feed.arrive(0, 0, 5, an_event_at(5));
    EXPECT_THAT(positions(), IsEmpty());
    arrive(1, 0, 3);
    EXPECT_THAT(positions(), ElementsAre(5, 3));
    EXPECT_EQ(feed.head(), 2);
}

TEST_F(a_partition_feed, passes_over_what_was_sent_twice) {
    hold({0, 10, 7});
    EXPECT_EQ(arrive(0, 7, 9), arrival::taken);
    EXPECT_EQ(arrive(0, 8, 11), arrival::taken);
    EXPECT_EQ(arrive(0, 9, 11), arrival::taken);
    EXPECT_THAT(positions(), ElementsAre(11));
    feed.applied(3);
    arrive(0, 10, 11), arrive(0, 11, 12);
    EXPECT_THAT(positions(3), ElementsAre(12));
}

TEST_F(a_partition_feed, moves_each_partition_from_where_its_store_has_it_to_where_the_batch_brings_it) {
    hold({0, 10, 7});
    hold({1, 20, 2});
    arrive(0, 7, 11), arrive(1, 2, 21), arrive(0, 8, 13);
    const auto steps = feed.steps(2);
    ASSERT_TRUE(steps);
    ASSERT_EQ(steps->size(), 2u);
    EXPECT_EQ((*steps)[0].position, 10);
    EXPECT_EQ((*steps)[0].to_position, 11);
    EXPECT_EQ((*steps)[0].to_offset, 8);
    EXPECT_EQ((*steps)[1].next_offset, 2);
    EXPECT_EQ((*steps)[1].to_position, 21);
    feed.applied(2);
    EXPECT_THAT(positions(2), ElementsAre(13));
    EXPECT_EQ(feed.steps(3)->at(0).position, 11);
}

TEST_F(a_partition_feed, refuses_to_move_past_what_was_taken_away_until_it_is_loaded_again) {
    hold({0, 0, 0});
    hold({1, 0, 0});
    arrive(0, 0, 1), arrive(1, 0, 2), arrive(0, 1, 3);
    const auto before = take().generation;
    feed.revoke(1);
    EXPECT_NE(take().generation, before);
    EXPECT_FALSE(feed.steps(2));
    EXPECT_EQ(feed.arrive(1, 1, 4, an_event_at(4)), arrival::not_ours);
    const auto from = feed.load({{0, 0, 0}});
    EXPECT_THAT(positions(from), ElementsAre(1, 3));
    EXPECT_EQ(feed.steps(3)->size(), 1u);
}

TEST_F(a_partition_feed, drops_what_another_instance_has_applied_meanwhile) {
    hold({0, 0, 0});
    arrive(0, 0, 1), arrive(0, 1, 2), arrive(0, 2, 3);
    const auto from = feed.load({{0, 2, 2}});
    EXPECT_THAT(positions(from), ElementsAre(3));
    EXPECT_EQ(feed.steps(3)->at(0).position, 2);
}

TEST_F(a_partition_feed, hands_nothing_on_of_a_partition_whose_position_is_not_loaded) {
    hold({0, 0, 0});
    feed.assign({1, 0, 0});
    arrive(0, 0, 1), arrive(1, 0, 2);
    EXPECT_THAT(positions(), ElementsAre(1));
    feed.load({{0, 0, 0}, {1, 0, 0}});
    EXPECT_THAT(positions(), ElementsAre(1, 2));
}

TEST_F(a_partition_feed, recognises_a_topic_that_was_made_anew_by_its_last_record) {
    hold({0, 10, 7});
    EXPECT_EQ(arrive(0, 6, 10), arrival::taken);  // where reading begins: applied
    hold({1, 10, 7});
    EXPECT_EQ(arrive(1, 6, 12), arrival::other_topic);
    EXPECT_THAT(positions(), IsEmpty());
}

TEST_F(a_partition_feed, asks_to_read_again_from_where_its_store_went_back_to) {
    hold({0, 10, 7});
    hold({1, 10, 7});
    arrive(0, 7, 11), arrive(1, 7, 12);
    const auto from = feed.load({{0, 4, 2}, {1, 10, 7}});
    EXPECT_THAT(positions(from), ElementsAre(12));
    EXPECT_THAT(feed.to_read_again(), ElementsAre(std::pair{0, std::int64_t{1}}));
    EXPECT_EQ(arrive(0, 1, 4), arrival::taken);
    arrive(0, 2, 6);
    EXPECT_THAT(positions(from), ElementsAre(12, 6));
}

TEST_F(a_partition_feed, takes_nothing_that_was_fetched_before_it_goes_back) {
    hold({0, 10, 7});
    arrive(0, 7, 11);
    const auto from = feed.load({{0, 4, 2}});
    EXPECT_EQ(arrive(0, 8, 12), arrival::taken);  // the group's consumer does not know yet
    EXPECT_THAT(positions(from), IsEmpty()) << "positions 5 to 11 would be passed over";
    EXPECT_THAT(feed.to_read_again(), ElementsAre(std::pair{0, std::int64_t{1}}));
    arrive(0, 1, 4), arrive(0, 2, 6);
    EXPECT_THAT(positions(from), ElementsAre(6));
}

TEST_F(a_partition_feed, asks_for_a_pause_when_it_is_full_and_for_more_when_it_has_room) {
    hold({0, 0, 0});
    for (std::int64_t n = 0; n < 3; ++n) EXPECT_EQ(arrive(0, n, n + 1), arrival::taken);
    EXPECT_EQ(arrive(0, 3, 4), arrival::full);
    EXPECT_EQ(arrive(0, 4, 5), arrival::taken);  // was on its way
    feed.applied(3);
    EXPECT_THAT(feed.resumable(), IsEmpty());
    feed.applied(4);
    EXPECT_THAT(feed.resumable(), ElementsAre(0));
    EXPECT_THAT(feed.resumable(), IsEmpty());
}

TEST_F(a_partition_feed, hands_on_what_is_no_event_whatever_types_are_wanted) {
    hold({0, 0, 0});
    feed.arrive(0, 0, 0, an_event_at(-1, std::string(undecodable_type)));
    feed.announce();
    arrive(0, 1, 1);
    const auto got = take(0, {"test.v1.Other"});
    ASSERT_EQ(got.events.size(), 1u);
    EXPECT_EQ(got.events[0].event->position, -1);
    EXPECT_EQ(got.scanned, 2);
    EXPECT_EQ(feed.steps(1)->at(0).to_offset, 1);
    EXPECT_EQ(feed.steps(1)->at(0).to_position, 0);
}

TEST(where_an_event_belongs, is_where_kafkas_own_clients_put_its_key) {
    // As org.apache.kafka.common.utils.Utils says: toPositive(murmur2(key)) % 1000.
    EXPECT_EQ(partition_of("21", {}, 1'000), 340);
    EXPECT_EQ(partition_of("order-1", {}, 1'000), 326);
    EXPECT_EQ(partition_of("0190aef3-7c1e-7b6a-9d3f-2f4f5a3f8d10", {}, 1'000), 681);
    EXPECT_EQ(partition_of("a", uuid{{1}}, 1'000), 524);
    EXPECT_GE(partition_of("", uuid{{1, 2, 3}}, 5), 0);
    EXPECT_LT(partition_of("", uuid{{1, 2, 3}}, 5), 5);
}

}  // namespace
}  // namespace bv::events::kafka
