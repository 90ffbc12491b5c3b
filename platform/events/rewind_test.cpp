#include "platform/events/rewind.hpp"

#include <gtest/gtest.h>

#include "platform/events/pg_log_world.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::eventually;
using contract::publish;
using contract::subscribed;

subscription repeatable(log_world& w, const std::string& group) {
    auto s = subscribed(w, group);
    s.repeatable = true;
    return s;
}

class rewinding : public ::testing::Test {
protected:
    void SetUp() override {
        log->subscribe(repeatable(w, "again"));
        log->subscribe(subscribed(w, "once"));
        w.cores().block_on(log->start());
        publish(w, {"a", "b"}, 1, 5);
        ASSERT_TRUE(eventually([&] { return count(w, "again") == 10 && count(w, "once") == 10; }));
        ASSERT_TRUE(eventually([&] { return log->status().at(0).position == last(); }));
    }
    void TearDown() override { w.cores().block_on(log->stop()); }

    std::int64_t last() { return w.number("SELECT max(position) FROM maker.outbox"); }
    std::int64_t first() { return w.number("SELECT min(position) FROM maker.outbox"); }
    result<std::vector<rewind_step>> plan(const std::string& group, rewind_target to = {}, const std::string& source = {}) {
        return w.cores().block_on(rewinds(*log, w.reader()).plan(group, source, to));
    }
    result<std::vector<rewind_step>> apply(const std::string& group, rewind_target to = {}) { return w.cores().block_on(rewinds(*log, w.reader()).apply(group, {}, to)); }

    pg_log_world w;
    std::unique_ptr<embedded_log> log = w.make_embedded();
};

TEST_F(rewinding, applies_everything_again_from_the_oldest_event_that_is_kept) {
    w.execute("DELETE FROM maker.outbox WHERE position <= " + std::to_string(first() + 1));
    const auto done = apply("again");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->at(0).events, 8);
    EXPECT_EQ(done->at(0).after, first() - 1);
    EXPECT_TRUE(eventually([&] { return count(w, "again") == 18 && log->status().at(0).position == last(); }));
    EXPECT_EQ(count(w, "once"), 10u);
}

TEST_F(rewinding, begins_with_a_position_or_with_the_first_event_since_a_time) {
    const auto third = w.number("SELECT position FROM maker.outbox ORDER BY position OFFSET 2 LIMIT 1");
    const auto by_position = plan("again", {.position = third});
    ASSERT_TRUE(by_position);
    EXPECT_EQ(by_position->at(0).events, 8);
    const auto micros = w.number("SELECT (extract(epoch FROM time) * 1000000)::bigint FROM maker.outbox WHERE position = " + std::to_string(third));
    const auto by_time = apply("again", {.time = time_point(microseconds(micros))});
    ASSERT_TRUE(by_time);
    EXPECT_LE(by_time->at(0).after, third - 1);
    const auto repeated = static_cast<std::size_t>(by_time->at(0).events);
    EXPECT_TRUE(eventually([&] { return count(w, "again") == 10 + repeated; }));
    const auto future = plan("again", {.position = last() + 100});
    EXPECT_EQ(future->at(0).events, 0);
    EXPECT_EQ(future->at(0).after, last());  // a group is moved back only
}

// Whose clock is behind, or who is overtaken, has an older time at a later position.
TEST_F(rewinding, leaves_out_no_event_since_a_time_when_an_older_one_comes_after_it) {
    const auto third = w.number("SELECT position FROM maker.outbox ORDER BY position OFFSET 2 LIMIT 1");
    w.execute("UPDATE maker.outbox SET time = timestamptz '2026-01-01 00:00:00Z' + (position - " + std::to_string(third) + ") * interval '1 second'");
    w.execute("UPDATE maker.outbox SET time = timestamptz '2025-12-31 00:00:00Z' WHERE position = " + std::to_string(last() - 1));
    const auto since = plan("again", {.time = parse_rfc3339("2026-01-01T00:00:00Z")});
    ASSERT_TRUE(since);
    EXPECT_EQ(since->at(0).after, third - 1);
    EXPECT_EQ(since->at(0).events, 8);
    const auto never = plan("again", {.time = parse_rfc3339("2027-01-01T00:00:00Z")});
    EXPECT_EQ(never->at(0).events, 0);
}

TEST_F(rewinding, is_only_planned_until_it_is_done) {
    const auto planned = plan("again");
    ASSERT_TRUE(planned);
    EXPECT_EQ(planned->at(0).passed, last());
    EXPECT_EQ(planned->at(0).events, 10);
    publish(w, {"a"}, 6, 6);
    ASSERT_TRUE(eventually([&] { return count(w, "again") == 11; }));
}

TEST_F(rewinding, is_refused_for_a_group_that_would_do_things_twice) {
    const auto refused = apply("once");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "NOT_REPEATABLE");
    EXPECT_NE(refused.error().message.find("These can be rewound: again"), std::string::npos) << refused.error().message;
    EXPECT_EQ(plan("nobody").error().reason, "UNKNOWN_GROUP");
    EXPECT_EQ(plan("again", {}, "elsewhere").error().reason, "UNKNOWN_SOURCE");
}

TEST_F(rewinding, is_noticed_by_an_instance_that_has_nothing_to_do) {
    const auto other = w.make_embedded();  // by which it is rewound, as by another process
    other->subscribe(repeatable(w, "again"));
    ASSERT_TRUE(w.cores().block_on(rewinds(*other, w.reader()).apply("again", {}, {})));
    EXPECT_TRUE(eventually([&] { return count(w, "again") == 20; }));
}

TEST_F(rewinding, meets_an_event_again_that_was_a_dead_letter) {
    w.execute("INSERT INTO taker.dead_letter (group_name, source, position, id, type, key, time, actor, traceparent, payload, attempts, error, state, resolved_at) "
              "SELECT 'again', 'maker', position, id, type, key, time, actor, traceparent, payload, 3, 'was', 'replayed', now() FROM maker.outbox");
    std::atomic<bool> broken{true};
    w.cores().block_on(log->stop());
    log = w.make_embedded();
    auto s = subscribed(w, "again", [&](std::span<const event> batch) -> std::optional<error> {
        for (const auto& e : batch)
            if (broken && e.payload == "b:1") return error{code::internal, "POISON", "for the test"};
        return std::nullopt;
    });
    s.repeatable = true;
    log->subscribe(std::move(s));
    ASSERT_TRUE(w.cores().block_on(rewinds(*log, w.reader()).apply("again", {}, {})));
    w.cores().block_on(log->start());
    ASSERT_TRUE(eventually([&] { return w.cores().block_on(w.unresolved_dead_letters("again")) == 5; }));
    EXPECT_TRUE(eventually([&] { return count(w, "again") == 15; }));  // those of the other key
}

}  // namespace
}  // namespace bv::events
