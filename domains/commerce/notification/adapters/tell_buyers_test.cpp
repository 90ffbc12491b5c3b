#include "domains/commerce/notification/app/tell_buyers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "domains/commerce/notification/adapters/notification_world.hpp"

namespace bv::notification {
namespace {

using namespace testing;

class tell_buyers_ : public ::testing::Test {
protected:
    notification_world world;
    std::int64_t notices() { return world.number("SELECT count(*) FROM notification.notifications"); }
    std::int64_t deliveries() { return world.number("SELECT count(*) FROM notification.deliveries"); }
};

TEST_F(tell_buyers_, puts_a_notice_in_the_inbox_and_queues_its_mail) {
    const auto at = *parse_rfc3339("2026-01-02T03:04:05Z");
    world.consume({an_event(confirmed_order(order(1), customer(1)), at)});
    const auto found = world.cores.block_on(world.store.list_inbox(storage::system_identity("test"), customer(1), false, std::nullopt, 10));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].told.order, order(1));
    EXPECT_EQ(found[0].told.kind, notice_kind::confirmed);
    EXPECT_EQ(found[0].told.created_at, at);
    EXPECT_FALSE(found[0].read_at);
    EXPECT_NE(found[0].told.text.find("12.34 GBP"), std::string::npos);
    EXPECT_EQ(deliveries(), 1);
}

// However often, in whatever order and in whatever batches events come, also when a batch is rolled back and run again.
TEST_F(tell_buyers_, tells_each_outcome_once) {
    std::vector<events::event> events;
    for (std::uint64_t n = 1; n <= 5; ++n) {
        events.push_back(an_event(confirmed_order(order(n), customer(n % 2))));
        events.push_back(an_event(cancelled_order(order(n), customer(n % 2))));
        events.push_back(an_event(returned_order(order(n), customer(n % 2), "r-1")));
        events.push_back(an_event(returned_order(order(n), customer(n % 2), "r-2")));
    }
    seeded_rng random(7);
    for (int round = 0; round < 20; ++round) {
        std::vector<events::event> batch;
        const auto size = 1 + random.below(30);
        for (std::uint64_t i = 0; i < size; ++i) batch.push_back(events[random.below(events.size())]);
        if (random.below(3) == 0) world.consume_in_vain(batch);
        world.consume(batch);
    }
    auto all = events;
    std::ranges::reverse(all);
    world.consume(all);
    EXPECT_EQ(notices(), 20);
    EXPECT_EQ(deliveries(), 20);
    EXPECT_EQ(world.number("SELECT count(DISTINCT (order_id, kind, return_id)) FROM notification.notifications"), 20);
    EXPECT_EQ(world.number("SELECT count(*) FROM audit.entries WHERE table_name = 'notification.notifications'"), 20);
    EXPECT_EQ(world.number("SELECT count(*) FROM audit.entries WHERE table_name = 'notification.deliveries'"), 20);
}

TEST_F(tell_buyers_, what_is_rolled_back_was_not_told) {
    world.consume_in_vain({an_event(confirmed_order(order(1), customer(1)))});
    EXPECT_EQ(notices(), 0);
    EXPECT_EQ(deliveries(), 0);
}

TEST_F(tell_buyers_, concurrent_batches_of_the_same_events_tell_each_once) {
    std::vector<events::event> batch;
    for (std::uint64_t n = 1; n <= 100; ++n) batch.push_back(an_event(confirmed_order(order(n), customer(n))));
    auto reversed = batch;
    std::ranges::reverse(reversed);
    std::thread other([&] { world.consume(reversed); });
    world.consume(batch);
    other.join();
    EXPECT_EQ(notices(), 100);
    EXPECT_EQ(deliveries(), 100);
}

TEST_F(tell_buyers_, refuses_an_event_that_makes_no_sense_and_says_why) {
    auto no_customer = confirmed_order(order(1), customer(1));
    no_customer.set_customer_id("ann");
    auto no_currency = confirmed_order(order(1), customer(1));
    no_currency.mutable_total()->set_currency("???");
    auto garbage = an_event(confirmed_order(order(1), customer(1)));
    garbage.payload = "\xff\xff";
    auto stranger = an_event(confirmed_order(order(1), customer(1)));
    stranger.type = "bitvelocity.commerce.order.v1.OrderPlaced";
    for (const auto& e : {an_event(no_customer), an_event(no_currency), an_event(returned_order(order(1), customer(1), "")), garbage, stranger}) {
        try {
            world.consume({e});
            ADD_FAILURE() << "was taken";
        } catch (const failure& f) {
            EXPECT_EQ(f.error().reason, "MALFORMED_EVENT");
            EXPECT_EQ(f.error().code, code::invalid_argument);
        }
    }
    EXPECT_EQ(notices(), 0);
}

TEST_F(tell_buyers_, tells_a_reason_that_is_newer_than_this_program) {
    world.consume({an_event(cancelled_order(order(1), customer(1), static_cast<orders::CancelReason>(77)))});
    EXPECT_EQ(notices(), 1);
}

TEST_F(tell_buyers_, the_audit_trail_has_no_text_of_letters) {
    world.consume({an_event(confirmed_order(order(1), customer(1)))});
    EXPECT_EQ(world.number("SELECT count(*) FROM audit.entries WHERE new_values::text LIKE '%thank you%'"), 0);
    EXPECT_EQ(world.number("SELECT count(*) FROM audit.entries WHERE length(new_values->>'text') = 64"), 1);
}

TEST_F(tell_buyers_, a_customer_sees_own_notices_only) {
    world.consume({an_event(confirmed_order(order(1), customer(1))), an_event(confirmed_order(order(2), customer(2)))});
    const storage::identity one{"user:1", customer(1).value, false, {}};
    const storage::identity nobody{"nobody", std::nullopt, false, {}};
    const auto inbox = [&](const storage::identity& who, customer_id whose) {
        return world.cores.block_on(world.store.list_inbox(who, whose, false, std::nullopt, 10)).size();
    };
    EXPECT_EQ(inbox(one, customer(1)), 1u);
    EXPECT_EQ(inbox(one, customer(2)), 0u);
    EXPECT_EQ(inbox(nobody, customer(1)), 0u);
    const auto others = id_of(order(2), notice_kind::confirmed, "");
    EXPECT_FALSE(world.cores.block_on(world.store.mark_read(one, others, world.time.now())));
    EXPECT_EQ(world.number("SELECT count(*) FROM notification.notifications WHERE read_at IS NOT NULL"), 0);
    EXPECT_TRUE(world.cores.block_on(world.store.list_deliveries(one, std::nullopt, std::nullopt, 10)).empty());
    const std::vector<notice_id> told{{uuid{}}};
    EXPECT_TRUE(world.cores.block_on(world.store.find_unsent(one, told)).empty());
}

TEST_F(tell_buyers_, the_service_cannot_take_back_what_was_said) {
    world.consume({an_event(confirmed_order(order(1), customer(1)))});
    static constexpr pg::statement edit{"test.edit", "UPDATE notification.notifications SET text = 'other'"};
    static constexpr pg::statement remove{"test.remove", "DELETE FROM notification.notifications"};
    for (const auto& s : {edit, remove}) {
        try {
            world.cores.block_on(world.db.query_as(storage::system_identity("service:notification"), s));
            ADD_FAILURE() << s.name;
        } catch (const pg::sql_error& e) {
            EXPECT_EQ(e.sqlstate(), "42501");
        }
    }
}

}  // namespace
}  // namespace bv::notification
