// What a group that shares partitions, and a relay that another follows, may move in PostgreSQL: without a broker.
#include <gmock/gmock.h>

#include "platform/events/kafka/pg_partition_store.hpp"
#include "platform/events/kafka/relay_store.hpp"
#include "platform/events/pg_log_world.hpp"

namespace bv::events::kafka {
namespace {

using ::testing::ElementsAre;

event_ptr an_event_at(std::int64_t position) {
    event e;
    e.position = position;
    e.type = test_type;
    return std::make_shared<const event>(std::move(e));
}

// An instance of the group "g" that believes it holds both partitions of "maker".
class instance {
public:
    explicit instance(pg_log_world& w) : world_(w), wakes_(std::make_shared<signal>(w.cores().context(0).get_executor(), system_clock())) {
        feed_->attach(wakes_);
        feed_->attach_consumer(wakes_);
        load();
        for (const auto& at : stored()) feed_->assign(at);
        load();
    }

    void arrive(std::int32_t partition, std::int64_t offset, std::int64_t position) {
        feed_->arrive(partition, offset, position, an_event_at(position));
        feed_->announce();
    }
    // Moves the group past all that has arrived; why not, or nothing.
    std::string apply() {
        try {
            in_store([this](storage::unit_of_work& uow) { return positions_.advance(uow, {}, feed_->head()); });
        } catch (const failure& f) {
            return f.error().reason;
        }
        feed_->applied(feed_->head());
        return {};
    }
    void load() {
        in_store([this](storage::unit_of_work& uow) { return load_in(&positions_, &uow, &loaded_); });
    }
    [[nodiscard]] std::vector<partition_position> stored() {
        std::vector<partition_position> out;
        in_store([&](storage::unit_of_work& uow) { return read_in(&positions_, &uow, &out); });
        return out;
    }
    [[nodiscard]] std::vector<std::int64_t> left() {
        std::vector<std::int64_t> out;
        for (const auto& s : world_.cores().block_on(feed_->take(loaded_.position, {}, 100)).events) out.push_back(s.event->position);
        return out;
    }
    void revoke(std::int32_t partition) { feed_->revoke(partition); }

private:
    static task<void> load_in(pg_partition_store* s, storage::unit_of_work* uow, place* out) { *out = co_await s->load(*uow); }
    static task<void> read_in(pg_partition_store* s, storage::unit_of_work* uow, std::vector<partition_position>* out) { *out = co_await s->read(*uow); }
    void in_store(std::function<task<void>(storage::unit_of_work&)> work) { world_.cores().block_on(world_.store().run({}, std::move(work))); }

    pg_log_world& world_;
    const std::shared_ptr<signal> wakes_;
    const std::shared_ptr<partition_feed> feed_ = std::make_shared<partition_feed>("maker");
    pg_partition_store positions_{"g", "maker", "taker", 2, feed_};
    place loaded_{};
};

class partitions_in_postgres : public ::testing::Test {
protected:
    pg_log_world w;
};

TEST_F(partitions_in_postgres, of_two_instances_with_the_same_records_one_moves_the_group_and_the_other_loads_again) {
    instance first(w), second(w);
    for (auto* i : {&first, &second}) i->arrive(0, 0, 1), i->arrive(1, 0, 2);
    EXPECT_EQ(first.apply(), "");
    EXPECT_EQ(second.apply(), consumer_store::position_moved);
    second.load();
    EXPECT_THAT(second.left(), ElementsAre());
    second.arrive(0, 1, 3);
    EXPECT_EQ(second.apply(), "");
    EXPECT_EQ(second.stored().at(0).position, 3);
    EXPECT_EQ(second.stored().at(0).next_offset, 2);
}

// One of its partitions is another's by now: what it has of both is applied together or not at all.
TEST_F(partitions_in_postgres, a_batch_of_which_one_partition_was_moved_moves_none) {
    instance first(w), second(w);
    first.arrive(0, 0, 1);
    EXPECT_EQ(first.apply(), "");
    second.arrive(0, 0, 1), second.arrive(1, 0, 2);
    EXPECT_EQ(second.apply(), consumer_store::position_moved);
    EXPECT_EQ(second.stored().at(1).position, 0);
    second.load();
    EXPECT_THAT(second.left(), ElementsAre(2));
    EXPECT_EQ(second.apply(), "");
}

// A relay that died sent the event twice: the position stays, and only the offset says that the record was read.
TEST_F(partitions_in_postgres, an_offset_alone_decides_between_two_as_well) {
    instance first(w);
    first.arrive(0, 0, 1);
    ASSERT_EQ(first.apply(), "");
    instance second(w);
    first.arrive(0, 1, 1), second.arrive(0, 1, 1);
    EXPECT_EQ(first.apply(), "");
    EXPECT_EQ(second.apply(), consumer_store::position_moved);
}

TEST_F(partitions_in_postgres, nothing_moves_past_a_partition_that_was_taken_away) {
    instance first(w);
    first.arrive(0, 0, 1);
    first.revoke(0);
    EXPECT_EQ(first.apply(), consumer_store::position_moved);
    EXPECT_EQ(first.stored().at(0).position, 0);
}

class relays : public ::testing::Test {
protected:
    // Why not; empty: done.
    std::string advance(std::int64_t fence, std::int64_t from, std::int64_t to) {
        return reason_of([&] { w.cores().block_on(store.advance("maker", fence, from, to)); });
    }
    static std::string reason_of(const std::function<void()>& what) {
        try {
            what();
        } catch (const failure& f) {
            return f.error().reason;
        }
        return {};
    }
    std::string confirm(std::int64_t fence, std::int64_t position) {
        return reason_of([&] { w.cores().block_on(store.confirm("maker", fence, position)); });
    }
    std::int64_t begin(std::int64_t fence) { return w.cores().block_on(store.begin("maker", fence)); }

    pg_log_world w;
    relay_store store{w.reader()};
};

TEST_F(relays, one_that_was_followed_moves_nothing_any_more) {
    EXPECT_EQ(begin(1), 0);
    EXPECT_EQ(advance(1, 0, 10), "");
    EXPECT_EQ(begin(2), 10);
    EXPECT_EQ(advance(1, 10, 20), "RELAY_FENCED") << "the position alone would let this through";
    EXPECT_EQ(confirm(1, 10), "RELAY_FENCED");
    EXPECT_EQ(confirm(2, 10), "");
    EXPECT_EQ(reason_of([&] { begin(1); }), "RELAY_FENCED");
    EXPECT_EQ(advance(2, 10, 20), "");
    EXPECT_EQ(begin(2), 20) << "the same one, begun again";
}

TEST_F(relays, one_that_was_rewound_notices_and_sends_all_again) {
    EXPECT_FALSE(w.cores().block_on(store.rewind("maker"))) << "there was none yet";
    begin(1);
    EXPECT_FALSE(w.cores().block_on(store.rewind("maker"))) << "it had sent nothing";
    EXPECT_EQ(advance(1, 0, 10), "");
    EXPECT_TRUE(w.cores().block_on(store.rewind("maker")));
    EXPECT_EQ(advance(1, 10, 20), "RELAY_FENCED");
    EXPECT_EQ(confirm(1, 10), "RELAY_FENCED");
    EXPECT_EQ(begin(1), 0);
}

}  // namespace
}  // namespace bv::events::kafka
