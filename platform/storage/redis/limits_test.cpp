#include "platform/storage/redis/limits.hpp"

#include <gtest/gtest.h>

#include "platform/storage/redis/early_answers.hpp"
#include "platform/storage/redis/scratch.hpp"

namespace bv::redis {
namespace {

using namespace std::chrono_literals;

const resilience::rate_limit_options three_an_hour{.name = "three", .limit = 3, .window = 3'600'000ms};

task<void> counts_for_both(client* one, client* other) {
    shared_limits here(*one, system_clock(), "limit:"), there(*other, system_clock(), "limit:");
    const auto first = co_await here.take(three_an_hour, "user:1");
    EXPECT_TRUE(first->allowed);
    EXPECT_EQ(first->remaining, 2u);
    EXPECT_EQ(first->retry_after, 0ms);
    EXPECT_NEAR(static_cast<double>(first->reset.count()), 1'200'000, 1);
    EXPECT_EQ((co_await there.take(three_an_hour, "user:1"))->remaining, 1u);
    EXPECT_TRUE((co_await here.take(three_an_hour, "user:1"))->allowed);
    const auto refused = co_await there.take(three_an_hour, "user:1");
    EXPECT_FALSE(refused->allowed);
    EXPECT_EQ(refused->remaining, 0u);
    EXPECT_GT(refused->retry_after, 1'000'000ms);
    EXPECT_LE(refused->retry_after, 1'200'000ms);
    EXPECT_TRUE((co_await here.take(three_an_hour, "user:2"))->allowed);  // each key its own
    EXPECT_GT((co_await one->call(command::on("limit:three:user:1", "PTTL")))->integer, 3'000'000);
}

task<void> two_clients(const scratch::server* s, task<void> (*body)(client*, client*)) {
    client one(scratch::to({s->at()}), system_clock(), system_rng()), other(scratch::to({s->at()}), system_clock(), system_rng());
    co_await one.start();
    co_await other.start();
    co_await body(&one, &other);
    co_await one.stop();
    co_await other.stop();
}

TEST(redis_limits, are_one_for_all_processes) {
    NEEDS_REDIS();
    const scratch::server s;
    testing::run(two_clients(&s, counts_for_both));
}

// Far from the limit most requests are not asked for; near it each is, so that all processes together stay within it.
task<void> spends_in_advance(client* one, client* other) {
    shared_limits here(*one, system_clock(), "limit:"), there(*other, system_clock(), "limit:");
    const resilience::rate_limit_options many{.name = "many", .limit = 4'000, .window = 3'600'000ms};
    const auto asked = [one] { return one->call(command::of("INFO", "commandstats")); };
    const auto first = co_await here.take(many, "k");
    EXPECT_EQ(first->remaining, 3'999u);
    for (std::uint32_t i = 1; i <= shared_limits::most_in_advance; ++i) EXPECT_EQ((co_await here.take(many, "k"))->remaining, 3'999 - i);
    EXPECT_NE((co_await asked())->text.find("cmdstat_evalsha:calls=2,"), std::string::npos);
    int allowed = 0;
    for (int refused = 0; refused < 2;) {
        refused = 0;
        for (auto* l : {&here, &there}) {
            const auto said = co_await l->take(many, "k");
            (said->allowed ? allowed : refused) += 1;
        }
    }
    EXPECT_LE(allowed, 4'000 - 33 + 10);  // ten come back within nine seconds
    EXPECT_GE(allowed, 4'000 - 33 - 200);
}

TEST(redis_limits, are_spent_in_advance_far_from_the_limit) {
    NEEDS_REDIS();
    const scratch::server s;
    testing::run(two_clients(&s, spends_in_advance));
}

// A share of the window comes back after its time, and no sooner.
task<void> comes_back(client* one, client*) {
    shared_limits limits(*one, system_clock(), "limit:");
    const resilience::rate_limit_options fast{.name = "fast", .limit = 2, .window = 100ms};
    for (int i = 0; i < 2; ++i) EXPECT_TRUE((co_await limits.take(fast, "k"))->allowed);
    EXPECT_TRUE(co_await scratch::eventually_in([&limits, &fast] {
        return [](shared_limits* l, const resilience::rate_limit_options* o) -> task<bool> { co_return (co_await l->take(*o, "k"))->allowed; }(&limits, &fast);
    }));
}

TEST(redis_limits, come_back_with_time) {
    NEEDS_REDIS();
    const scratch::server s;
    testing::run(two_clients(&s, comes_back));
}

TEST(redis_limits, are_nobodys_while_redis_is_away) {
    scratch::with_client(scratch::to({{"127.0.0.1", scratch::free_port()}}), [](client& c) -> task<void> {
        shared_limits limits(c, system_clock(), "limit:");
        EXPECT_FALSE(co_await limits.take(three_an_hour, "k"));
    });
}

task<void> answers_early(client* one, client* other) {
    early_answers here(*one, {.prefix = "answer:", .most_bytes = 100}), there(*other, {.prefix = "answer:"});
    EXPECT_FALSE(co_await there.find("user:1", "key", "print"));
    co_await here.keep("user:1", "key", "print", {201, "application/json", std::string("{}\0", 3), "\"1\""});
    EXPECT_EQ((co_await one->call(command::of("PING")))->text, "PONG");  // after it in the same pipeline
    const auto found = co_await there.find("user:1", "key", "print");
    EXPECT_TRUE(found);
    if (!found) co_return;
    EXPECT_EQ(found->status, 201);
    EXPECT_EQ(found->content_type, "application/json");
    EXPECT_EQ(found->body, std::string("{}\0", 3));
    EXPECT_EQ(found->etag, "\"1\"");
    EXPECT_FALSE(co_await there.find("user:1", "key", "another body"));  // the store says what to do
    EXPECT_FALSE(co_await there.find("user:2", "key", "print"));
    co_await here.keep("user:1", "long", "print", {200, "text/plain", std::string(101, 'x'), ""});
    EXPECT_EQ((co_await one->call(command::of("PING")))->text, "PONG");
    EXPECT_FALSE(co_await there.find("user:1", "long", "print"));
}

TEST(redis_early_answers, are_of_that_very_request_only) {
    NEEDS_REDIS();
    const scratch::server s;
    testing::run(two_clients(&s, answers_early));
}

}  // namespace
}  // namespace bv::redis
