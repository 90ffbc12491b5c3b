// The world of the tests that need brokers: a producer and a consumer in a private PostgreSQL, over a broker that this process starts.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include "platform/events/kafka/broker.hpp"
#include "platform/events/kafka/kafka_log.hpp"
#include "platform/events/kafka/record.hpp"
#include "platform/events/pg_log_world.hpp"

namespace bv::events::kafka::testing {

// Where they are (kafka_log_test.cpp).
std::filesystem::path kafka_jars();

// One for all tests of the process; topics and groups are each test's own.
inline broker& the_broker() {
    struct started {
        std::filesystem::path folder = std::filesystem::temp_directory_path() / ("bv-kafka-" + std::to_string(::getpid()));
        broker one{{.directory = folder, .jars = kafka_jars()}};
        started() { one.start(); }
        ~started() {
            one.stop();
            std::filesystem::remove_all(folder);
        }
    };
    static started s;
    return s.one;
}

class kafka_world final : public pg_log_world {
public:
    kafka_world() {
        static int worlds = 0;
        prefix_ = "test" + std::to_string(++worlds) + ".";
    }
    std::unique_ptr<log> make_log() override { return make_kafka(); }
    std::unique_ptr<kafka_log> make_kafka() { return std::make_unique<kafka_log>(cores(), reader(), options()); }
    kafka_log_options options() {
        kafka_log_options o;
        o.brokers.brokers = the_broker().address();
        o.relays = {"maker"};
        o.leases.owner = "instance " + std::to_string(++instances_);
        o.prefix = prefix_;
        o.session_timeout = milliseconds(6'000);
        o.tail.poll_max = milliseconds(50);
        o.progress_interval = milliseconds(20);
        o.registry = registry;
        o.types = types;
        return o;
    }
    [[nodiscard]] std::string topic() const { return prefix_ + "maker"; }
    [[nodiscard]] const std::string& prefix() const { return prefix_; }

    // Of the logs that are made from now on.
    std::optional<registry::registry_options> registry{};
    std::map<std::string, std::vector<std::string>> types{};

private:
    std::string prefix_;
    int instances_ = 0;
};

class kafka_log_of_its_own : public ::testing::Test {
protected:
    bool applied(std::size_t n, const std::string& group = "g") {
        return contract::eventually([&] { return contract::count(w, group) >= n; });
    }
    kafka_world w;
};

// What nobody's outbox knows of, as another program would write it.
inline void put(const std::string& topic, std::int32_t partition, std::string_view payload, headers h = headers(rd_kafka_headers_new(1))) {
    const auto producer = make_client(RD_KAFKA_PRODUCER, {the_broker().address()}, {});
    ASSERT_EQ(produce(producer, {.topic = topic, .partition = partition, .payload = payload}, std::move(h)), RD_KAFKA_RESP_ERR_NO_ERROR);
    ASSERT_EQ(rd_kafka_flush(producer.get(), 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

inline void remove_topic(const std::string& name) {
    const auto admin = make_client(RD_KAFKA_PRODUCER, {the_broker().address()}, {});
    auto* old = rd_kafka_DeleteTopic_new(name.c_str());
    const queue answers(rd_kafka_queue_new(admin.get()));
    rd_kafka_DeleteTopics(admin.get(), &old, 1, nullptr, answers.get());
    const client_event said(rd_kafka_queue_poll(answers.get(), 30'000));
    rd_kafka_DeleteTopic_destroy(old);
    ASSERT_TRUE(said);
}

inline bool is_there(const std::string& topic) {
    const auto asks = make_client(RD_KAFKA_PRODUCER, {the_broker().address()}, {});
    const struct rd_kafka_metadata* all = nullptr;
    if (rd_kafka_metadata(asks.get(), 1, nullptr, &all, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR) throw failure(code::unavailable, "NO_METADATA", topic);
    const std::unique_ptr<const struct rd_kafka_metadata, destroyer<rd_kafka_metadata_destroy>> holder(all);
    return std::any_of(all->topics, all->topics + all->topic_cnt, [&](const rd_kafka_metadata_topic& t) { return topic == t.topic; });
}

// A record as any program reads it.
struct read_record {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string key, value;
    std::map<std::string, std::string> headers;
};

inline read_record as_read(const rd_kafka_message_t& m) {
    read_record out{m.partition, m.offset, {}, {}, {}};
    if (m.key) out.key.assign(static_cast<const char*>(m.key), m.key_len);
    if (m.payload) out.value.assign(static_cast<const char*>(m.payload), m.len);
    rd_kafka_headers_t* all = nullptr;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_message_headers(&m, &all) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (std::size_t i = 0; rd_kafka_header_get_all(all, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
            out.headers[name] = std::string(static_cast<const char*>(value), size);
    return out;
}

// The first n records of a topic's three partitions that are no markers.
inline std::vector<read_record> records_of(const std::string& topic, std::size_t n) {
    const auto reader = make_client(RD_KAFKA_CONSUMER, {the_broker().address()}, {{"group.id", "reader of " + topic}, {"enable.auto.commit", "false"}});
    auto all = make_partitions(3);
    for (std::int32_t p = 0; p < 3; ++p) rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader.get(), all.get());
    std::vector<read_record> out;
    for (int tries = 0; tries < 600 && out.size() < n; ++tries) {
        const message m(rd_kafka_consumer_poll(reader.get(), 100));
        if (!m || m->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        auto one = as_read(*m);
        if (one.headers["ce_type"] != marker_type) out.push_back(std::move(one));
    }
    return out;
}

}  // namespace bv::events::kafka::testing
