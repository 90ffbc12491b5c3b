// Dead letters on the topic that tells them.
#include <gmock/gmock.h>

#include "platform/events/kafka/testing/kafka_world.hpp"

namespace bv::events::kafka {
namespace {

using namespace contract;
using namespace kafka::testing;

class dead_letter_topic : public kafka_log_of_its_own {
protected:
    [[nodiscard]] std::string topic() const { return w.topic() + ".dead-letters"; }
    fault fails_for(std::string payload) {
        return [this, payload](std::span<const event> batch) -> std::optional<error> {
            for (const auto& e : batch)
                if (broken && e.payload == payload) return error{code::internal, "POISON", "for the test"};
            return std::nullopt;
        };
    }
    std::int64_t untold() { return w.number("SELECT count(*) FROM taker.dead_letter WHERE told_at IS NULL"); }
    std::atomic<bool> broken{true};
};

TEST_F(dead_letter_topic, tells_who_could_not_apply_what_and_why) {
    running log(w, {subscribed(w, "g", fails_for("b:2"))});
    publish(w, {"a", "b"}, 1, 3);
    ASSERT_TRUE(applied(4));
    auto told = records_of(topic(), 2);
    ASSERT_EQ(told.size(), 2u);
    const auto source = records_of(w.topic(), 6);
    std::ranges::sort(told, {}, &read_record::value);
    auto& failed = told[0];
    EXPECT_EQ(failed.key, "b");
    EXPECT_EQ(failed.value, "b:2");
    EXPECT_EQ(failed.headers["ce_type"], test_type);
    EXPECT_EQ(failed.headers["dead_letter_group"], "g");
    EXPECT_EQ(failed.headers["dead_letter_state"], "failed");
    EXPECT_EQ(failed.headers["dead_letter_reason"], "INTERNAL POISON: for the test");
    EXPECT_EQ(failed.headers["dead_letter_attempts"], "3");
    EXPECT_EQ(failed.headers["dead_letter_topic"], w.topic());
    const auto original = std::ranges::find(source, "b:2", &read_record::value);
    ASSERT_NE(original, source.end());
    EXPECT_EQ(failed.headers["dead_letter_partition"], std::to_string(original->partition));
    EXPECT_EQ(failed.headers["dead_letter_offset"], std::to_string(original->offset));
    EXPECT_EQ(failed.headers["ce_id"], original->headers.at("ce_id"));
    EXPECT_EQ(told[1].value, "b:3");
    EXPECT_EQ(told[1].headers["dead_letter_state"], "blocked");
    EXPECT_TRUE(eventually([&] { return untold() == 0; }));
}

TEST_F(dead_letter_topic, is_told_what_was_parked_while_the_brokers_were_away) {
    {
        running log(w, {subscribed(w, "g", fails_for("b:1"))});
        publish(w, {"b"}, 1, 1);
        ASSERT_TRUE(eventually([&] { return untold() == 0 && w.number("SELECT count(*) FROM taker.dead_letter") == 1; }));
    }
    w.execute("UPDATE taker.dead_letter SET told_at = NULL");  // as if the process had died between the record and its note
    broken = false;
    running log(w, {subscribed(w, "g", fails_for("b:1"))});
    ASSERT_TRUE(eventually([&] { return untold() == 0; }));
    const auto told = records_of(topic(), 2);
    ASSERT_EQ(told.size(), 2u);  // at least once
    EXPECT_EQ(told[0].headers.at("ce_id"), told[1].headers.at("ce_id"));
}

TEST_F(dead_letter_topic, has_what_is_no_event_as_it_was) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a"}, 1, 1);
    ASSERT_TRUE(applied(1));
    put(w.topic(), 1, "rubbish");
    const auto told = records_of(topic(), 1);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].value, "rubbish");
    EXPECT_EQ(told[0].partition, 1);
    EXPECT_EQ(told[0].headers.at("dead_letter_partition"), "1");
}

TEST_F(dead_letter_topic, leaves_the_replay_to_the_consumers_store) {
    running log(w, {subscribed(w, "g", fails_for("b:1"))});
    publish(w, {"b"}, 1, 2);
    ASSERT_EQ(records_of(topic(), 2).size(), 2u);
    broken = false;
    const auto report = w.cores().block_on(dynamic_cast<platform_log&>(*log).letters().replay("g", {}));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->replayed, 2u);
    expect_complete(effects(w, "g"), {"b"}, 2);
}

}  // namespace
}  // namespace bv::events::kafka
