#include <gtest/gtest.h>

#include "platform/storage/redis/client.hpp"
#include "platform/storage/redis/scratch.hpp"

namespace bv::redis {
namespace {

using namespace std::chrono_literals;
using scratch::eventually_in;

std::string key(int i) { return "key " + std::to_string(i); }

task<bool> holds(client* c, std::string k, std::string value) {
    const auto said = co_await c->call(command::on(k, "GET"));
    co_return said && said->text == value;
}
task<bool> lacks(client* c, std::string k, std::string value) { co_return !co_await holds(c, k, value); }
task<bool> stores(client* c, std::string k, std::string value) {
    const auto said = co_await c->call(command::on(k, "SET", value));
    co_return said && said->text == "OK";
}

const script double_script("redis.call('SET', KEYS[1], ARGV[1] .. ARGV[1]) return redis.call('GET', KEYS[1])");

// Every key at its master, in pipelines over all of them.
task<void> spreads(client* c, scratch::cluster* all) {
    EXPECT_TRUE(c->is_cluster());
    std::vector<command> sets;
    for (int i = 0; i < 200; ++i) sets.push_back(command::on(key(i), "SET", i));
    for (const auto& said : co_await c->call_all(std::move(sets))) EXPECT_EQ(said->text, "OK");
    for (int i = 0; i < 200; ++i) EXPECT_EQ(all->master_of(key(i)).ask({"GET", key(i)}).text, std::to_string(i));
    EXPECT_EQ((co_await c->call(double_script.on("other", "ab")))->text, "abab");
}

// While a slot moves, its keys are asked for at their new master first where they are there already.
task<void> follows_a_moving_slot(client* c, scratch::cluster* all) {
    const std::string moved = "{moving}1", there = "{moving}2";
    auto& from = all->master_of(moved);
    auto& to = &from == &all->at(0) ? all->at(1) : all->at(0);
    const auto slot = std::to_string(slot_of(moved));
    EXPECT_TRUE(co_await stores(c, moved, "old"));
    (void)to.ask({"CLUSTER", "SETSLOT", slot, "IMPORTING", scratch::cluster::id_of(from)});
    (void)from.ask({"CLUSTER", "SETSLOT", slot, "MIGRATING", scratch::cluster::id_of(to)});
    EXPECT_TRUE(co_await stores(c, there, "new"));  // not at the old master: it sends to the other
    EXPECT_TRUE(co_await holds(c, moved, "old"));
    EXPECT_TRUE(co_await holds(c, there, "new"));
    EXPECT_TRUE(from.ask({"GET", there}).is_error());
    EXPECT_EQ(from.ask({"MIGRATE", "127.0.0.1", std::to_string(to.at().port), moved, "0", "5000"}).text, "OK");
    for (std::size_t i = 0; i < scratch::cluster::masters; ++i) (void)all->at(i).ask({"CLUSTER", "SETSLOT", slot, "NODE", scratch::cluster::id_of(to)});
    EXPECT_TRUE(co_await holds(c, moved, "old"));  // MOVED
    EXPECT_TRUE(co_await holds(c, there, "new"));
}

// A master dies: its replica takes over, and the others answer all the time.
task<void> survives_a_master(client* c, scratch::cluster* all) {
    auto& first = all->at(0);
    int of_first = 0, of_others = 0;
    for (int i = 0; i < 200; ++i) (&all->master_of(key(i)) == &first ? of_first : of_others) = i;
    first.stop(SIGKILL);
    EXPECT_TRUE(co_await eventually_in([c, of_first] { return lacks(c, key(of_first), std::to_string(of_first)); }));
    EXPECT_TRUE(co_await holds(c, key(of_others), std::to_string(of_others)));
    EXPECT_TRUE(co_await eventually_in([c, of_first] { return stores(c, key(of_first), "after"); }));
    EXPECT_TRUE(co_await holds(c, key(of_first), "after"));
    EXPECT_TRUE(co_await eventually_in([c] { return [](client* r) -> task<bool> { co_return r->trouble().empty(); }(c); }));
}

TEST(redis_cluster, spreads_follows_and_survives) {
    NEEDS_REDIS();
    scratch::cluster all;
    testing::run(scratch::run_body(scratch::to({all.at(2).at()}), [&all](client& c) { return spreads(&c, &all); }));
    testing::run(scratch::run_body(scratch::to({all.at(1).at(), all.at(2).at()}), [&all](client& c) { return follows_a_moving_slot(&c, &all); }));
    testing::run(scratch::run_body(scratch::to({all.at(1).at(), all.at(2).at()}), [&all](client& c) { return survives_a_master(&c, &all); }));
}

}  // namespace
}  // namespace bv::redis
