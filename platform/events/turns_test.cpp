// Several instances of a group: one works, the others wait for its lease; and what every instance is told.
#include <gmock/gmock.h>

#include "platform/events/pg_consumer_store.hpp"
#include "platform/events/pg_log_world.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::effects;
using contract::eventually;
using contract::expect_complete;
using contract::publish;
using contract::running;
using contract::subscribed;

class turns : public ::testing::Test {
protected:
    // Runs it in a transaction of the consumer's store; why it failed, or nothing.
    std::string in_store(std::function<task<void>(storage::unit_of_work&)> work) {
        try {
            w.cores().block_on(w.store().run({}, std::move(work)));
        } catch (const failure& f) {
            return f.error().reason;
        }
        return {};
    }
    // A subscription whose batches are counted by who handled them.
    subscription counting(std::atomic<int>& batches) {
        return subscribed(w, "g", [&batches](std::span<const event>) -> std::optional<error> {
            ++batches;
            return std::nullopt;
        });
    }

    pg_log_world w{pg_log_world::fast(), true};
};

task<void> taken(consumer_store* s, storage::unit_of_work* uow, std::int64_t fence, place* out) { *out = co_await s->take(*uow, fence); }

TEST_F(turns, an_instance_that_woke_too_late_moves_nothing) {
    pg_consumer_store positions("g", "maker", "taker");
    place old, fresh;
    EXPECT_EQ(in_store([&](storage::unit_of_work& uow) { return taken(&positions, &uow, 1, &old); }), "");
    EXPECT_EQ(in_store([&](storage::unit_of_work& uow) { return positions.advance(uow, old, 10); }), "");
    EXPECT_EQ(in_store([&](storage::unit_of_work& uow) { return taken(&positions, &uow, 2, &fresh); }), "");
    EXPECT_EQ(fresh.position, 10);
    // The successor has not moved it yet: the position alone would let this through.
    EXPECT_EQ(in_store([&](storage::unit_of_work& uow) { return positions.advance(uow, {10, 1}, 20); }), consumer_store::position_moved);
    EXPECT_EQ(in_store([&](storage::unit_of_work& uow) { return taken(&positions, &uow, 1, &old); }), consumer_store::position_moved);
    EXPECT_EQ(in_store([&](storage::unit_of_work& uow) { return positions.advance(uow, fresh, 20); }), "");
}

TEST_F(turns, one_instance_does_all_the_work_and_the_next_takes_over_when_it_ends) {
    std::atomic<int> by_first{0}, by_second{0};
    running first(w, {counting(by_first)});
    publish(w, {"a"}, 1, 1);
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 1; }));
    running second(w, {counting(by_second)});
    publish(w, {"a", "b"}, 2, 40);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 79; }));
    EXPECT_EQ(by_second, 0) << "no work that is thrown away";
    ASSERT_TRUE(eventually([&] { return second->status().at(0).position == first->status().at(0).position; })) << "the one that waits knows where the group is";
    first.stop();
    publish(w, {"a", "b"}, 41, 50);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 99; }));
    EXPECT_GT(by_second, 0);
}

// Counts what an observer was told.
struct told {
    std::atomic<int> seen{0}, missed{0};
    observer as_observer(log_world& w) {
        return {.source = w.source(), .types = {}, .seen = [this](const event&) { ++seen; }, .missed = [this] { ++missed; }};
    }
};

std::unique_ptr<log> observing(pg_log_world& w, told& t) {
    auto out = w.make_log();
    out->observe(t.as_observer(w));
    w.cores().block_on(out->start());
    return out;
}

TEST_F(turns, every_instance_is_told_of_every_event_from_its_start_on) {
    publish(w, {"a"}, 1, 3);
    told first, second;
    const auto one = observing(w, first), other = observing(w, second);
    ASSERT_TRUE(eventually([&] { return first.missed == 1 && second.missed == 1; })) << "what was before its start it is told to have missed";
    publish(w, {"a", "b"}, 4, 20);
    ASSERT_TRUE(eventually([&] { return first.seen == 34 && second.seen == 34; }));
    EXPECT_EQ(first.missed, 1);
    w.cores().block_on(one->stop());
    w.cores().block_on(other->stop());
}

TEST_F(turns, an_instance_that_waits_for_its_turn_reads_nothing) {
    std::atomic<int> batches{0};
    running first(w, {counting(batches)});
    publish(w, {"a"}, 1, 1);
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 1; }));
    running second(w, {counting(batches)});
    ASSERT_TRUE(eventually([&] { return second->status().at(0).position > 0; })) << "it has looked where the group is";
    publish(w, {"a"}, 2, 20);
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 20; }));
    EXPECT_EQ(second->status().at(0).head, 0);
    first.stop();
    publish(w, {"a"}, 21, 25);
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 25; })) << "and it reads when it is its turn";
}

TEST_F(turns, an_observer_keeps_no_event_from_being_deleted) {
    publish(w, {"a"}, 1, 3);
    told t;
    auto options = pg_log_world::fast();
    options.retention = std::chrono::hours(-1);
    const auto log = w.make_embedded(options);
    log->observe(t.as_observer(w));
    w.cores().block_on(log->start());
    w.cores().block_on(log->prune());
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox"), 0);
    w.cores().block_on(log->stop());
}

}  // namespace
}  // namespace bv::events
