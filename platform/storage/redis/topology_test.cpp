#include "platform/storage/redis/topology.hpp"

#include <gtest/gtest.h>

namespace bv::redis {
namespace {

using kind = redirection::kind;

reply number(std::int64_t n) { return {.is = reply::kind::integer, .integer = n}; }
reply text(std::string s) { return {.is = reply::kind::text, .text = std::move(s)}; }
reply list(std::vector<reply> items) { return {.is = reply::kind::list, .items = std::move(items)}; }
reply error_reply(std::string s) { return {.is = reply::kind::error, .text = std::move(s)}; }
reply node(std::string host, std::int64_t port) { return list({text(std::move(host)), number(port), text("id")}); }

const address asked{"10.0.0.9", 7000};

TEST(redis_slot, is_that_of_the_specification) {
    EXPECT_EQ(slot_of("123456789"), 0x31C3);  // the check value of CRC-16/XMODEM, below 16384
    EXPECT_EQ(slot_of(""), 0);
    EXPECT_EQ(slot_of("foo"), 12182);
    EXPECT_EQ(slot_of("bar"), 5061);
}

TEST(redis_slot, is_of_the_hash_tag_when_there_is_one) {
    EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
    EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
    EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
    EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar"));  // an empty tag is none
    EXPECT_NE(slot_of("foo{bar"), slot_of("bar"));
}

TEST(redis_command, is_an_array_of_bulk_strings) {
    const auto c = command::on("k", "SET", std::string("a\r\nb"), "PX", 100);
    EXPECT_EQ(c.encoded(), "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n$2\r\nPX\r\n$3\r\n100\r\n");
    EXPECT_EQ(c.slot(), slot_of("k"));
    EXPECT_EQ(command::of("PING").slot(), std::nullopt);
}

TEST(redis_command, a_script_is_sent_by_its_digest_and_then_by_its_text) {
    const script s("return 1");
    const auto c = s.on("k", 7);
    EXPECT_EQ(c.encoded(), "*5\r\n$7\r\nEVALSHA\r\n$40\r\n" + s.digest() + "\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n7\r\n");
    const auto whole = c.with_text();
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->encoded(), "*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n7\r\n");
    EXPECT_EQ(whole->slot(), slot_of("k"));
    EXPECT_FALSE(whole->with_text());
}

TEST(redis_address, is_host_and_port_or_a_socket) {
    EXPECT_EQ(*parse_address("cache.example:6379"), (address{"cache.example", 6379}));
    EXPECT_EQ(*parse_address("[::1]:6379"), (address{"::1", 6379}));
    EXPECT_EQ(*parse_address("unix:/run/redis.sock"), (address{"/run/redis.sock", 0}));
    for (const auto* good : {"cache.example:6379", "[::1]:6379", "unix:/run/redis.sock"}) EXPECT_EQ(parse_address(good)->str(), good);
    for (const auto* bad : {"", "host", "host:", ":6379", "host:0", "host:65536", "host:x", "::1:6379", "unix:", "unix:redis.sock", "/run/x:1"})
        EXPECT_EQ(parse_address(bad).error().reason, "REDIS_ENDPOINT") << bad;
}

TEST(redis_topology, is_read_from_cluster_slots) {
    const auto map = topology::of_cluster(list({list({number(0), number(8191), node("10.0.0.1", 6379), node("10.0.0.4", 6379)}),
                                                list({number(8192), number(16382), node("", 6380)})}),
                                          asked);
    ASSERT_TRUE(map);
    EXPECT_TRUE(map->is_cluster());
    EXPECT_EQ(*map->master_of(0), (address{"10.0.0.1", 6379}));
    EXPECT_EQ(*map->master_of(8191), (address{"10.0.0.1", 6379}));
    EXPECT_EQ(*map->master_of(8192), (address{"10.0.0.9", 6380}));  // itself, by the name it was asked under
    EXPECT_EQ(map->master_of(16383), nullptr);
    EXPECT_EQ(map->masters().size(), 2u);
    EXPECT_FALSE(map->knows({"10.0.0.4", 6379}));
}

TEST(redis_topology, refuses_what_is_no_map) {
    const reply wrong[] = {text("OK"), list({}), list({number(1)}), list({list({number(0), number(16384), node("a", 1)})}), list({list({number(5), number(4), node("a", 1)})}),
                           list({list({number(0), number(1), node("a", 0)})}), list({list({number(0), number(1)})})};
    for (const auto& w : wrong) EXPECT_FALSE(topology::of_cluster(w, asked));
}

TEST(redis_topology, one_server_holds_all) {
    const auto map = topology::single(asked);
    EXPECT_FALSE(map.is_cluster());
    EXPECT_EQ(*map.master_of(16383), asked);
}

TEST(redis_redirection, says_where_to_go) {
    const auto moved = redirection_of(error_reply("MOVED 3999 127.0.0.1:6381"), asked);
    EXPECT_EQ(moved.is, kind::moved);
    EXPECT_EQ(moved.to, (address{"127.0.0.1", 6381}));
    const auto ask = redirection_of(error_reply("ASK 3999 ::1:6381"), asked);
    EXPECT_EQ(ask.is, kind::ask);
    EXPECT_EQ(ask.to, (address{"::1", 6381}));
    EXPECT_EQ(redirection_of(error_reply("MOVED 3999 :6381"), asked).to, (address{"10.0.0.9", 6381}));
    EXPECT_EQ(redirection_of(error_reply("TRYAGAIN Multiple keys"), asked).is, kind::try_again);
    EXPECT_EQ(redirection_of(error_reply("NOSCRIPT No matching script"), asked).is, kind::no_script);
    EXPECT_EQ(redirection_of(error_reply("CLUSTERDOWN Hash slot not served"), asked).is, kind::not_now);
    EXPECT_EQ(redirection_of(error_reply("MOVED x"), asked).is, kind::not_now);
    EXPECT_EQ(redirection_of(error_reply("WRONGTYPE Operation"), asked).is, kind::none);
    EXPECT_EQ(redirection_of(text("MOVED 3999 127.0.0.1:6381"), asked).is, kind::none);
}

}  // namespace
}  // namespace bv::redis
