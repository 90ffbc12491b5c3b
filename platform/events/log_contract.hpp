// What every event log must do, whatever carries the events. One file of an adapter's tests includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(embedded, log_contract, ::testing::Values(make_pg_world));
#pragma once

#include <gmock/gmock.h>

#include "platform/events/log_world.hpp"

namespace bv::events {

using make_world = std::unique_ptr<log_world> (*)();

class log_contract : public ::testing::TestWithParam<make_world> {
protected:
    std::unique_ptr<log_world> world = GetParam()();
    log_world& w = *world;
};

TEST_P(log_contract, delivers_every_event_once_and_in_order_per_key) {
    using namespace contract;
    publish(w, {"a", "b"}, 1, 20);  // there before the group
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b"}, 21, 60);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 120; }));
    expect_complete(effects(w, "g"), {"a", "b"}, 60);
}

TEST_P(log_contract, hands_over_all_attributes_and_applies_as_the_consuming_service) {
    using namespace contract;
    const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    auto sent = an_event("k", 1);
    sent.payload = std::string("\xff\0 bytes", 8);  // no message of Protobuf begins with a zero, and what does may be framed (wire_format.hpp)
    sent.traceparent = trace;
    std::vector<event> got;
    std::atomic<bool> done{false};
    auto s = subscribed(w, "g", [&](std::span<const event> batch) -> std::optional<error> {
        if (!done) got.assign(batch.begin(), batch.end());
        done = true;
        return std::nullopt;
    });
    running log(w, {s});
    publish(w, std::vector{sent});
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 1; }));
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].id, sent.id);
    EXPECT_EQ(got[0].source, w.source());
    EXPECT_EQ(got[0].type, sent.type);
    EXPECT_EQ(got[0].short_type(), "Happened");
    EXPECT_EQ(got[0].key, "k");
    EXPECT_EQ(got[0].payload, sent.payload);
    EXPECT_EQ(trace_of(got[0]).trace_id_hex(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(got[0].actor, "service:" + w.source());
    EXPECT_GT(got[0].position, 0);
    EXPECT_LT(std::chrono::abs(system_clock().now() - got[0].time), std::chrono::minutes(5));
    EXPECT_EQ(effects(w, "g")[0].actor, "service:" + w.consumer());
}

TEST_P(log_contract, a_group_that_gathers_takes_what_came_meanwhile_in_one_batch) {
    using namespace contract;
    std::vector<std::size_t> batches;
    auto patient = subscribed(w, "patient", [&](std::span<const event> batch) -> std::optional<error> {
        batches.push_back(batch.size());
        return std::nullopt;
    });
    patient.gather = std::chrono::hours(1);
    {
        running log(w, {patient, subscribed(w, "eager")});
        publish(w, {"k"}, 1, 1);
        ASSERT_TRUE(eventually([&] { return count(w, "patient") == 1; })) << "the first after a quiet time waits for nobody";
        publish(w, {"k"}, 2, 5);
        ASSERT_TRUE(eventually([&] { return count(w, "eager") == 5; }));
        EXPECT_EQ(count(w, "patient"), 1u);
    }
    running log(w, {patient});  // gathers from its own first batch on
    ASSERT_TRUE(eventually([&] { return count(w, "patient") == 5; }));
    EXPECT_THAT(batches, ::testing::ElementsAre(1, 4));
    expect_complete(effects(w, "patient"), {"k"}, 5);
}

TEST_P(log_contract, gives_every_group_its_own_copy) {
    using namespace contract;
    running log(w, {subscribed(w, "g1"), subscribed(w, "g2")});
    publish(w, {"a"}, 1, 10);
    ASSERT_TRUE(eventually([&] { return count(w, "g1") >= 10 && count(w, "g2") >= 10; }));
    expect_complete(effects(w, "g1"), {"a"}, 10);
    expect_complete(effects(w, "g2"), {"a"}, 10);
}

TEST_P(log_contract, passes_over_other_types_and_says_so_in_its_position) {
    using namespace contract;
    auto s = subscribed(w, "g");
    s.types = {"test.v1.Wanted"};
    running log(w, {s});
    publish(w, {an_event("a", 1), an_event("a", 2, "test.v1.Wanted"), an_event("a", 3)});
    publish(w, {an_event("a", 4)});
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 1; }));
    EXPECT_EQ(effects(w, "g")[0].payload, "a:2");
    ASSERT_TRUE(eventually([&] {
        const auto now = log->status().at(0);
        return now.head > 0 && now.lag == 0 && now.position == now.head;
    }));
}

TEST_P(log_contract, never_exceeds_the_batch_that_was_asked_for) {
    using namespace contract;
    publish(w, {"a", "b", "c"}, 1, 30);
    std::atomic<std::size_t> largest{0}, smallest{1'000};
    std::atomic<bool> ordered{true};
    auto s = subscribed(w, "g", [&](std::span<const event> batch) -> std::optional<error> {
        largest = std::max<std::size_t>(largest, batch.size());
        smallest = std::min<std::size_t>(smallest, batch.size());
        for (std::size_t i = 1; i < batch.size(); ++i)
            if (batch[i - 1].position >= batch[i].position) ordered = false;
        return std::nullopt;
    });
    s.max_batch = 8;
    running log(w, {s});
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 90; }));
    EXPECT_EQ(largest, 8u);
    EXPECT_GE(smallest, 1u);
    EXPECT_TRUE(ordered);
}

TEST_P(log_contract, rolls_back_and_retries_a_batch_whose_handler_failed) {
    using namespace contract;
    std::atomic<int> failures{0};
    running log(w, {subscribed(w, "g", [&](std::span<const event>) -> std::optional<error> {
                    if (failures++ < 2) return error{code::internal, "BROKEN", "for the test"};
                    return std::nullopt;
                })});
    publish(w, {"a"}, 1, 5);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 5; }));
    expect_complete(effects(w, "g"), {"a"}, 5);
}

TEST_P(log_contract, waits_for_a_dependency_without_counting_attempts) {
    using namespace contract;
    std::atomic<int> calls{0};
    running log(w, {subscribed(w, "g", [&](std::span<const event>) -> std::optional<error> {
                    const int n = calls++;
                    if (n < 12) return error{n % 3 == 0 ? code::unavailable : n % 3 == 1 ? code::aborted : code::deadline_exceeded, "AWAY", "for the test"};
                    return std::nullopt;
                })});
    publish(w, {"a"}, 1, 1);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 1; }));
    EXPECT_EQ(calls, 13);
    EXPECT_EQ(w.cores().block_on(w.unresolved_dead_letters("g")), 0);
}

TEST_P(log_contract, takes_less_at_once_when_a_batch_takes_too_long) {
    using namespace contract;
    publish(w, {"a"}, 1, 16);
    running log(w, {subscribed(w, "g", [](std::span<const event> batch) -> std::optional<error> {
                    if (batch.size() > 2) return error{code::deadline_exceeded, "STATEMENT_TIMEOUT", "for the test"};
                    return std::nullopt;
                })});
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 16; }));
    expect_complete(effects(w, "g"), {"a"}, 16);
}

TEST_P(log_contract, sets_a_poison_event_aside_with_those_behind_it_and_delivers_its_neighbours) {
    using namespace contract;
    std::map<std::string, int> tries;
    auto s = subscribed(w, "g", [&](std::span<const event> batch) -> std::optional<error> {
        for (const auto& e : batch)
            if (e.payload == "b:2") {
                if (batch.size() == 1) ++tries[e.payload];
                return error{code::internal, "POISON", "for the test"};
            }
        return std::nullopt;
    });
    publish(w, {"a", "b", "c"}, 1, 4);
    running log(w, {s});
    publish(w, {"a", "b", "c"}, 5, 8);
    ASSERT_TRUE(eventually([&] { return count(w, "g") + static_cast<std::size_t>(w.cores().block_on(w.unresolved_dead_letters("g"))) >= 24; }));
    log.stop();
    std::map<std::string, int> seen;
    for (const auto& e : effects(w, "g")) EXPECT_EQ(e.payload, e.key + ":" + std::to_string(++seen[e.key]));
    EXPECT_EQ(seen, (std::map<std::string, int>{{"a", 8}, {"b", 1}, {"c", 8}}));
    EXPECT_EQ(w.cores().block_on(w.unresolved_dead_letters("g")), 7);
    EXPECT_EQ(tries["b:2"], 3);
}

TEST_P(log_contract, goes_on_where_an_earlier_instance_stopped) {
    using namespace contract;
    running first(w, {subscribed(w, "g")});
    publish(w, {"a"}, 1, 10);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 10; }));
    first.stop();
    publish(w, {"a"}, 11, 20);
    EXPECT_EQ(count(w, "g"), 10u);
    running second(w, {subscribed(w, "g")});
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 20; }));
    expect_complete(effects(w, "g"), {"a"}, 20);
}

TEST_P(log_contract, lets_two_instances_of_a_group_run_without_doubling_an_effect) {
    using namespace contract;
    running first(w, {subscribed(w, "g")}), second(w, {subscribed(w, "g")});
    publish(w, {"a", "b", "c"}, 1, 60);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 180; }));
    first.stop();
    publish(w, {"a", "b", "c"}, 61, 70);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 210; }));
    expect_complete(effects(w, "g"), {"a", "b", "c"}, 70);
}

}  // namespace bv::events
