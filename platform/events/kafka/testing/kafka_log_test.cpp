// The event log over a Kafka broker that this process starts: the contract of every log, and what is Kafka's own.
#include <cstdlib>
#include <future>
#include <memory>

#include <signal.h>

#include "platform/events/kafka/relay_store.hpp"
#include "platform/events/kafka/testing/kafka_world.hpp"
#include "platform/events/log_contract.hpp"
#include "platform/events/rewind.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::events::kafka {

std::filesystem::path testing::kafka_jars() {
    const char* named = std::getenv("BV_KAFKA_JARS");
    return named ? named : "build/tools/kafka";
}

namespace {

using namespace contract;
using namespace kafka::testing;

// Keeps others from changing how far the relay is, as a slow transaction of theirs would.
class held_relay {
public:
    explicit held_relay(kafka_world& w) : world_(w) {
        scope_.spawn(w.cores().context(0).get_executor(), run(&w.admin(), held_, release_));
        held_->get_future().get();
    }
    ~held_relay() { let_go(); }
    void let_go() {
        release_->wake();
        world_.cores().block_on(scope_.join());
    }

private:
    using promise = std::shared_ptr<std::promise<void>>;
    static task<void> hold(storage::unit_of_work* uow, promise held, std::shared_ptr<waiter> release) {
        co_await pg::of(*uow).execute("SELECT position FROM platform.event_relay FOR UPDATE");
        held->set_value();
        co_await release->wait();
    }
    static task<void> run(pg::database* d, promise held, std::shared_ptr<waiter> release) {
        co_await d->run({}, [held, release](storage::unit_of_work& uow) { return hold(&uow, held, release); });
    }

    kafka_world& world_;
    scope scope_{"test"};
    const promise held_ = std::make_shared<std::promise<void>>();
    const std::shared_ptr<waiter> release_ = waiter::make();
};

std::unique_ptr<log_world> make_kafka_world() { return std::make_unique<kafka_world>(); }
INSTANTIATE_TEST_SUITE_P(kafka, log_contract, ::testing::Values(make_kafka_world));

TEST_F(kafka_log_of_its_own, passes_over_what_a_relay_sends_again) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b", "c"}, 1, 20);
    ASSERT_TRUE(applied(60));
    relay_store at(w.reader());
    w.cores().block_on(at.rewind("maker"));  // as if it had died before it noted anything
    publish(w, {"a", "b", "c"}, 21, 30);
    ASSERT_TRUE(applied(90));
    ASSERT_TRUE(eventually([&] { return w.number("SELECT position FROM platform.event_relay") == w.number("SELECT max(position) FROM maker.outbox"); }));
    publish(w, {"a", "b", "c"}, 31, 31);
    ASSERT_TRUE(applied(93));
    expect_complete(effects(w, "g"), {"a", "b", "c"}, 31);
}

TEST_F(kafka_log_of_its_own, sets_a_record_aside_that_is_no_event) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b", "c"}, 1, 5);
    ASSERT_TRUE(applied(15));
    for (std::int32_t partition = 0; partition < 3; ++partition) put(w.topic(), partition, "rubbish");
    publish(w, {"a", "b", "c"}, 6, 10);
    ASSERT_TRUE(applied(30));
    ASSERT_TRUE(eventually([&] { return w.cores().block_on(w.unresolved_dead_letters("g")) == 3; }));
    expect_complete(effects(w, "g"), {"a", "b", "c"}, 10);
    const auto letters = w.cores().block_on(dynamic_cast<platform_log&>(*log).letters().list({}));
    ASSERT_EQ(letters.size(), 3u);
    EXPECT_EQ(letters[0].event.type, undecodable_type);
    EXPECT_EQ(letters[0].error.substr(0, 37), "INVALID_ARGUMENT UNDECODABLE_RECORD: ");
}

TEST_F(kafka_log_of_its_own, goes_on_where_an_embedded_log_stopped) {
    {
        const auto embedded = w.make_embedded();
        embedded->subscribe(subscribed(w, "g"));
        w.cores().block_on(embedded->start());
        publish(w, {"a", "b"}, 1, 20);
        ASSERT_TRUE(applied(40));
        w.cores().block_on(embedded->stop());
    }
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b"}, 21, 40);
    ASSERT_TRUE(applied(80));
    expect_complete(effects(w, "g"), {"a", "b"}, 40);
}

TEST_F(kafka_log_of_its_own, gives_the_group_back_to_an_embedded_log_when_all_is_applied) {
    {
        running log(w, {subscribed(w, "g")});
        publish(w, {"a", "b"}, 1, 20);
        ASSERT_TRUE(eventually([&] { return log->status().at(0).head == 40 && log->status().at(0).lag == 0; }));
    }
    const auto embedded = w.make_embedded();
    embedded->subscribe(subscribed(w, "g"));
    w.cores().block_on(embedded->start());
    publish(w, {"a", "b"}, 21, 30);
    EXPECT_TRUE(applied(60));
    w.cores().block_on(embedded->stop());
    expect_complete(effects(w, "g"), {"a", "b"}, 30);
    running again(w, {subscribed(w, "g")});
    publish(w, {"a", "b"}, 31, 40);
    ASSERT_TRUE(applied(80));
    expect_complete(effects(w, "g"), {"a", "b"}, 40);
}

TEST_F(kafka_log_of_its_own, keeps_the_group_from_an_embedded_log_while_its_partitions_are_not_even) {
    {
        running log(w, {subscribed(w, "g")});
        publish(w, {"a"}, 1, 5);
        ASSERT_TRUE(applied(5));
        ASSERT_TRUE(eventually([&] { return log->status().at(0).lag == 0; }));
    }
    w.execute("UPDATE taker.consumer_partition SET position = position - 1 WHERE partition = 0");
    const auto embedded = w.make_embedded();
    embedded->subscribe(subscribed(w, "g"));
    w.cores().block_on(embedded->start());
    publish(w, {"a"}, 6, 6);
    w.execute("UPDATE taker.consumer_partition SET position = position + 1 WHERE partition = 0");
    EXPECT_TRUE(applied(6));
    w.cores().block_on(embedded->stop());
    expect_complete(effects(w, "g"), {"a"}, 6);
}

TEST_F(kafka_log_of_its_own, applies_again_what_came_since_a_position_while_it_runs) {
    auto s = subscribed(w, "g");
    s.repeatable = true;
    running log(w, {s});
    publish(w, {"a", "b", "c"}, 1, 10);
    ASSERT_TRUE(applied(30));
    ASSERT_TRUE(eventually([&] { return log->status().at(0).lag == 0; }));
    const auto from = w.number("SELECT position FROM maker.outbox ORDER BY position OFFSET 15 LIMIT 1");
    const auto done = w.cores().block_on(rewinds(dynamic_cast<platform_log&>(*log), w.reader()).apply("g", {}, {.position = from}));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->at(0).events, 15);
    ASSERT_TRUE(eventually([&] { return log->status().at(0).lag == 0 && count(w, "g") == 45; })) << count(w, "g");  // nothing new came
}

TEST_F(kafka_log_of_its_own, shares_the_partitions_of_a_group_among_its_instances) {
    std::atomic<std::size_t> by_first{0}, by_second{0};
    const auto counting = [](std::atomic<std::size_t>& n) {
        return [&n](std::span<const event> batch) -> std::optional<error> {
            n += batch.size();
            return std::nullopt;
        };
    };
    const std::vector<std::string> keys{"a", "b", "c", "d", "e", "f", "g", "h"};
    running first(w, {subscribed(w, "g", counting(by_first))}), second(w, {subscribed(w, "g", counting(by_second))});
    int n = 0;
    ASSERT_TRUE(eventually([&] {
        ++n;
        publish(w, keys, n, n);
        return by_first > 0 && by_second > 0;
    }));
    publish(w, keys, n + 1, n + 20);
    second.stop();
    publish(w, keys, n + 21, n + 30);
    ASSERT_TRUE(applied(keys.size() * static_cast<std::size_t>(n + 30)));
    expect_complete(effects(w, "g"), keys, n + 30);
}

TEST_F(kafka_log_of_its_own, loses_and_repeats_nothing_when_the_broker_is_killed_or_stands_still) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b", "c"}, 1, 20);
    ASSERT_TRUE(applied(60));
    ::kill(the_broker().pid(), SIGKILL);
    ASSERT_TRUE(eventually([] { return !the_broker().running(); }));
    publish(w, {"a", "b", "c"}, 21, 40);  // nobody who produces notices
    ASSERT_TRUE(eventually([&] { return dynamic_cast<platform_log&>(*log).trouble().find("does not answer") != std::string::npos; }));
    the_broker().start();
    ASSERT_TRUE(applied(120));
    ::kill(the_broker().pid(), SIGSTOP);
    publish(w, {"a", "b", "c"}, 41, 60);
    ASSERT_TRUE(eventually([&] { return !dynamic_cast<platform_log&>(*log).trouble().empty(); }));
    ::kill(the_broker().pid(), SIGCONT);
    ASSERT_TRUE(applied(180));
    expect_complete(effects(w, "g"), {"a", "b", "c"}, 60);
    EXPECT_TRUE(eventually([&] { return dynamic_cast<platform_log&>(*log).trouble().empty(); }));
}

TEST_F(kafka_log_of_its_own, sends_everything_again_to_a_topic_that_was_made_anew) {
    {
        running log(w, {subscribed(w, "g")});
        publish(w, {"a", "b", "c"}, 1, 20);
        ASSERT_TRUE(applied(60));
    }
    publish(w, {"a", "b", "c"}, 21, 30);
    remove_topic(w.topic());
    running log(w, {subscribed(w, "g")});
    ASSERT_TRUE(applied(90));
    publish(w, {"a", "b", "c"}, 31, 32);
    ASSERT_TRUE(applied(96));
    expect_complete(effects(w, "g"), {"a", "b", "c"}, 32);
}

TEST_F(kafka_log_of_its_own, sends_everything_again_to_a_topic_that_is_lost_while_it_runs) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b", "c"}, 1, 20);
    ASSERT_TRUE(applied(60));
    remove_topic(w.topic());
    publish(w, {"a", "b", "c"}, 21, 30);
    ASSERT_TRUE(applied(90));
    publish(w, {"a", "b", "c"}, 31, 32);
    ASSERT_TRUE(applied(96));
    expect_complete(effects(w, "g"), {"a", "b", "c"}, 32);
    EXPECT_EQ(records_of(w.topic(), 96).size(), 96u);
    EXPECT_TRUE(eventually([&] { return dynamic_cast<platform_log&>(*log).trouble().empty(); })) << dynamic_cast<platform_log&>(*log).trouble();
}

// Of several processes that start when topics are lost, one that consumes may be the first to see it.
TEST_F(kafka_log_of_its_own, makes_a_topic_anew_only_after_its_relay_was_set_back) {
    {
        running log(w, {subscribed(w, "g")});
        publish(w, {"a"}, 1, 5);
        ASSERT_TRUE(applied(5));
        ASSERT_TRUE(eventually([&] { return w.number("SELECT position FROM platform.event_relay") == w.number("SELECT max(position) FROM maker.outbox"); }));
    }
    remove_topic(w.topic());
    held_relay relay(w);
    auto o = w.options();
    o.relays.clear();
    kafka_log consumer(w.cores(), w.reader(), o);
    consumer.subscribe(subscribed(w, "g"));
    w.cores().block_on(consumer.start());
    ASSERT_TRUE(eventually([&] { return w.number("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1; }));  // sets the relay back
    EXPECT_FALSE(is_there(w.topic()));
    relay.let_go();
    EXPECT_TRUE(eventually([&] { return is_there(w.topic()); }));
    EXPECT_EQ(w.number("SELECT position FROM platform.event_relay"), 0);
    w.cores().block_on(consumer.stop());
}

TEST_F(kafka_log_of_its_own, says_how_to_mend_a_topic_that_is_not_as_it_is_set) {
    { running log(w, {subscribed(w, "g")}); publish(w, {"a"}, 1, 1); ASSERT_TRUE(applied(1)); }
    kafka_log_options o;
    o.brokers.brokers = the_broker().address();
    o.prefix = w.topic().substr(0, w.topic().find('.') + 1);
    o.partitions = 5;
    kafka_log other(w.cores(), w.reader(), o);
    other.subscribe(subscribed(w, "g"));
    w.cores().block_on(other.start());
    EXPECT_TRUE(eventually([&] { return other.trouble().find("has 3 partitions and kafka.partitions says 5: set kafka.partitions=3") != std::string::npos; })) << other.trouble();
    w.cores().block_on(other.stop());
}

}  // namespace
}  // namespace bv::events::kafka
