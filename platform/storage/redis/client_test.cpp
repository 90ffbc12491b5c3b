#include "platform/storage/redis/client.hpp"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/storage/redis/scratch.hpp"
#include "platform/testing/certificate.hpp"

namespace bv::redis {
namespace {

using namespace std::chrono_literals;
using scratch::eventually_in;
using scratch::to;
using scratch::with_client;

// Coroutines that capture nothing: what they need is in their arguments.
task<bool> answers(client* c) {
    const auto said = co_await c->call(command::of("PING"));
    co_return said && said->text == "PONG";
}
task<bool> is_away(client* c) {
    const auto said = co_await c->call(command::of("PING"));
    co_return !said && said.error().reason == "REDIS_AWAY";
}

task<void> sets_and_gets(client& c) {
    EXPECT_EQ((co_await c.call(command::on("k", "SET", "a\r\nb")))->text, "OK");
    EXPECT_EQ((co_await c.call(command::on("k", "GET")))->text, "a\r\nb");
    EXPECT_TRUE((co_await c.call(command::on("none", "GET")))->is_null());
    EXPECT_EQ(c.trouble(), "");
    EXPECT_FALSE(c.is_cluster());
}

TEST(redis_client, sets_and_gets) {
    NEEDS_REDIS();
    scratch::server one;
    with_client(to({one.at()}), sets_and_gets);
}

task<void> is_refused(client& c) {
    (void)co_await c.call(command::on("k", "SET", "text"));
    const auto said = co_await c.call(command::on("k", "LPUSH", "x"));
    EXPECT_FALSE(said);
    EXPECT_EQ(said.error().reason, "REDIS_REFUSED");
    EXPECT_THAT(said.error().message, ::testing::HasSubstr("WRONGTYPE"));
}

TEST(redis_client, an_error_of_the_server_is_one_of_the_call) {
    NEEDS_REDIS();
    scratch::server one;
    with_client(to({one.at()}), is_refused);
}

task<void> answers_in_order(client& c) {
    std::vector<command> all;
    for (int i = 0; i < 1'000; ++i) all.push_back(command::on("k" + std::to_string(i), "SET", i));
    for (int i = 0; i < 1'000; ++i) all.push_back(command::on("k" + std::to_string(i), "GET"));
    const auto said = co_await c.call_all(std::move(all));
    for (int i = 0; i < 1'000; ++i) EXPECT_EQ(said[static_cast<std::size_t>(1'000 + i)]->text, std::to_string(i));
}

TEST(redis_client, many_commands_are_answered_in_order) {
    NEEDS_REDIS();
    scratch::server one;
    with_client(to({one.at()}), answers_in_order);
}

const script add_script("return redis.call('INCRBY', KEYS[1], ARGV[1])");

task<void> runs_scripts(client& c) {
    EXPECT_EQ((co_await c.call(add_script.on("n", 5)))->integer, 5);
    EXPECT_EQ((co_await c.call(add_script.on("n", 5)))->integer, 10);
    EXPECT_EQ((co_await c.call(command::of("SCRIPT", "LOAD", add_script.text())))->text, add_script.digest());
    EXPECT_TRUE((co_await c.call(command::of("SCRIPT", "FLUSH"))));
    std::vector<command> twice;
    for (int i = 0; i < 2; ++i) twice.push_back(add_script.on("n", 1));
    const auto said = co_await c.call_all(std::move(twice));
    EXPECT_EQ(said[0]->integer + said[1]->integer, 11 + 12);
}

TEST(redis_client, a_script_is_taught_to_a_server_that_has_forgotten_it) {
    NEEDS_REDIS();
    scratch::server one;
    with_client(to({one.at()}), runs_scripts);
}

TEST(redis_client, logs_in) {
    NEEDS_REDIS();
    scratch::server one({"--requirepass", "open sesame"});
    auto o = to({one.at()});
    o.password = "open sesame";
    with_client(o, sets_and_gets);
    o.password = "wrong";
    with_client(o, [](client& c) -> task<void> {
        EXPECT_TRUE(co_await is_away(&c));
        EXPECT_EQ(c.trouble(), "away; slower");
    });
}

TEST(redis_client, speaks_the_older_protocol_to_an_older_server) {
    NEEDS_REDIS();
    scratch::server one({"--requirepass", "open sesame", "--rename-command", "HELLO", ""});
    auto o = to({one.at()});
    o.password = "open sesame";
    with_client(o, sets_and_gets);
    o.password.clear();
    with_client(o, [](client& c) -> task<void> {
        EXPECT_TRUE(co_await is_away(&c));
        EXPECT_EQ(c.trouble(), "away; slower");
    });
}

TEST(redis_client, speaks_tls_to_whom_it_trusts) {
    NEEDS_REDIS();
    const testing::certificate own("IP:127.0.0.1"), strangers("IP:127.0.0.1"), misnamed("DNS:elsewhere.example");
    const auto serve = [](const testing::certificate& c) {
        return std::make_unique<scratch::server>(std::vector<std::string>{"--tls-cert-file", c.chain(), "--tls-key-file", c.key(), "--tls-auth-clients", "no"});
    };
    const auto well = serve(own), wrong = serve(misnamed);
    auto o = to({{"127.0.0.1", well->other_port()}});
    o.tls = true;
    o.ca_file = own.chain();
    with_client(o, sets_and_gets);
    with_client(o, answers_in_order);
    const auto refuses = [](client& c) -> task<void> { EXPECT_TRUE(co_await is_away(&c)); };
    o.ca_file = strangers.chain();
    with_client(o, refuses);
    o.endpoints = {{"127.0.0.1", wrong->other_port()}};
    o.ca_file = misnamed.chain();
    with_client(o, refuses);
    o.ca_file = "/nowhere.pem";
    EXPECT_THROW(client(o, system_clock(), system_rng()), failure);
}

TEST(redis_client, nobody_there_is_told_at_once) {
    with_client(to({{"127.0.0.1", scratch::free_port()}}), [](client& c) -> task<void> {
        const auto said = co_await c.call(command::on("k", "GET"));
        EXPECT_EQ(said.error().reason, "REDIS_AWAY");
        EXPECT_EQ(c.trouble(), "away; slower");
    });
}

TEST(redis_client, comes_back_after_the_server_does) {
    NEEDS_REDIS();
    scratch::server one;
    testing::run(scratch::run_body(to({one.at()}), [&one](client& c) { return [](client* redis, scratch::server* s) -> task<void> {
        EXPECT_TRUE(co_await answers(redis));
        s->stop(SIGKILL);
        EXPECT_TRUE(co_await eventually_in([redis] { return is_away(redis); }));
        EXPECT_EQ(redis->trouble(), "away; slower");
        s->start();
        EXPECT_TRUE(co_await eventually_in([redis] { return answers(redis); }));
        EXPECT_TRUE(co_await eventually_in([redis] { return [](client* r) -> task<bool> { co_return r->trouble().empty(); }(redis); }));
    }(&c, &one); }));
}

// While it is frozen its connections stay open: only deadlines tell.
TEST(redis_client, a_frozen_server_is_soon_not_asked_any_more) {
    NEEDS_REDIS();
    scratch::server one;
    auto o = to({one.at()}, 20ms);
    o.connect_timeout = o.silence = 100ms;
    testing::run(scratch::run_body(o, [&one](client& c) { return [](client* redis, scratch::server* s) -> task<void> {
        EXPECT_TRUE(co_await eventually_in([redis] { return answers(redis); }));
        s->freeze();
        const auto slow = co_await redis->call(command::on("k", "GET"));
        EXPECT_EQ(slow.error().code, code::deadline_exceeded);
        EXPECT_TRUE(co_await eventually_in([redis] { return is_away(redis); }));
        s->thaw();
        EXPECT_TRUE(co_await eventually_in([redis] { return answers(redis); }));
    }(&c, &one); }));
}

TEST(redis_client, refuses_more_than_its_queue_holds) {
    NEEDS_REDIS();
    scratch::server one;
    auto o = to({one.at()});
    o.most_pending = 4;
    with_client(o, [](client& c) -> task<void> {
        std::vector<command> many;
        for (int i = 0; i < 6; ++i) many.push_back(command::of("PING"));
        const auto said = co_await c.call_all(std::move(many));
        EXPECT_TRUE(said[3]);
        EXPECT_EQ(said[5].error().reason, "REDIS_BUSY");
        EXPECT_TRUE(co_await answers(&c));
    });
}

}  // namespace
}  // namespace bv::redis
