#include "platform/events/dead_letters.hpp"

#include <gtest/gtest.h>

#include "platform/events/pg_log_world.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::effects;
using contract::eventually;
using contract::publish;
using contract::subscribed;

class dead_letters_of_a_group : public ::testing::Test {
protected:
    void SetUp() override {
        begin();
        publish(w, {"a", "b"}, 1, 4);
        EXPECT_TRUE(settled(5, 3));
    }
    void begin() {
        log->subscribe(subscribed(w, "g", [this](std::span<const event> batch) -> std::optional<error> {
            for (const auto& e : batch)
                if (broken && e.payload == "b:2") return error{code::internal, "POISON", "for the test"};
            return std::nullopt;
        }));
        w.cores().block_on(log->start());
    }
    void TearDown() override { w.cores().block_on(log->stop()); }

    bool settled(std::size_t applied, std::int64_t dead) {
        return eventually([&] { return count(w, "g") == applied && w.cores().block_on(w.unresolved_dead_letters("g")) == dead; });
    }
    std::vector<dead_letter> listed(bool unresolved_only = true) {
        return w.cores().block_on(log->letters().list({.group = "g", .unresolved_only = unresolved_only}));
    }
    result<replay_report> replay(dead_letter_target t) { return w.cores().block_on(log->letters().replay("g", t)); }

    pg_log_world w;
    std::atomic<bool> broken{true};
    std::unique_ptr<embedded_log> log = w.make_embedded();
};

TEST_F(dead_letters_of_a_group, are_listed_with_their_reason_and_shown_with_their_payload) {
    const auto all = listed();  // newest first
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[2].state, dead_letter_state::failed);
    EXPECT_EQ(all[2].attempts, 3);
    EXPECT_EQ(all[2].error, "INTERNAL POISON: for the test");
    EXPECT_EQ(all[2].payload_bytes, 3);
    EXPECT_EQ(all[1].state, dead_letter_state::blocked);
    EXPECT_EQ(all[0].state, dead_letter_state::blocked);
    const auto shown = w.cores().block_on(log->letters().show("g", all[2].event.id));
    ASSERT_TRUE(shown.has_value());
    EXPECT_EQ(shown->event.payload, "b:2");
    EXPECT_EQ(shown->event.key, "b");
    EXPECT_EQ(log->status().at(0).dead_letters, 3);
}

TEST_F(dead_letters_of_a_group, say_what_is_not_known) {
    const auto no_event = w.cores().block_on(log->letters().show("g", uuid::named("none")));
    ASSERT_FALSE(no_event.has_value());
    EXPECT_EQ(no_event.error().reason, "UNKNOWN_EVENT");
    const auto no_group = w.cores().block_on(log->letters().replay("h", {}));
    ASSERT_FALSE(no_group.has_value());
    EXPECT_EQ(no_group.error().reason, "UNKNOWN_GROUP");
}

TEST_F(dead_letters_of_a_group, are_replayed_in_order_and_free_their_key) {
    broken = false;
    const auto report = replay({});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->replayed, 3u);
    EXPECT_EQ(report->failed, 0u);
    publish(w, {"a", "b"}, 5, 6);
    ASSERT_TRUE(settled(12, 0));
    contract::expect_complete(effects(w, "g"), {"a", "b"}, 6);
    EXPECT_EQ(listed().size(), 0u);
    const auto all = listed(false);
    ASSERT_EQ(all.size(), 3u);
    for (const auto& d : all) {
        EXPECT_EQ(d.state, dead_letter_state::replayed);
        EXPECT_TRUE(d.resolved_at.has_value());
    }
    ASSERT_TRUE(eventually([&] { return log->status().at(0).dead_letters == 0; }));
}

TEST_F(dead_letters_of_a_group, stay_in_order_when_the_first_fails_again) {
    const auto report = replay({.key = "b"});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->replayed, 0u);
    EXPECT_EQ(report->failed, 1u);
    EXPECT_EQ(report->first_error, "INTERNAL POISON: for the test");
    EXPECT_EQ(listed()[2].attempts, 4);
    EXPECT_TRUE(settled(5, 3));
}

TEST_F(dead_letters_of_a_group, are_replayed_up_to_one_of_them_with_those_before_it) {
    broken = false;
    const auto report = replay({.id = listed()[1].event.id});  // b:3
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->replayed, 2u);
    publish(w, {"b"}, 5, 5);  // b:4 is still there: parked behind it
    ASSERT_TRUE(settled(7, 2));
    ASSERT_TRUE(replay({}).has_value());
    ASSERT_TRUE(settled(9, 0));
    contract::expect_complete([&] {
        auto all = effects(w, "g");
        std::erase_if(all, [](const effect& e) { return e.key == "a"; });
        return all;
    }(), {"b"}, 5);
}

TEST_F(dead_letters_of_a_group, can_be_discarded_so_that_those_behind_go_on) {
    const auto discarded = w.cores().block_on(log->letters().discard("g", {.id = listed()[2].event.id}));
    ASSERT_TRUE(discarded.has_value());
    EXPECT_EQ(*discarded, 1u);
    const auto report = replay({});
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->replayed, 2u);
    publish(w, {"b"}, 5, 5);
    ASSERT_TRUE(settled(8, 0));
    EXPECT_EQ(listed(false)[2].state, dead_letter_state::discarded);
}

TEST_F(dead_letters_of_a_group, still_block_their_key_after_a_restart) {
    w.cores().block_on(log->stop());
    log = w.make_embedded();
    begin();
    publish(w, {"a", "b"}, 5, 5);
    ASSERT_TRUE(settled(6, 4));
}

}  // namespace
}  // namespace bv::events
