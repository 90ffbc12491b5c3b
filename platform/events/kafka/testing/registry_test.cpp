// Events over a broker with a schema registry, Apicurio's, which this process starts.
#include <signal.h>

#include <gmock/gmock.h>

#include "platform/events/kafka/registry_server.hpp"
#include "platform/events/kafka/testing/kafka_world.hpp"
#include "platform/events/registry/registry_client.hpp"
#include "platform/events/registry/schema.hpp"
#include "platform/events/registry/wire_format.hpp"

namespace bv::events::kafka {
namespace {

using namespace contract;
using namespace kafka::testing;
using ::testing::HasSubstr;

constexpr std::string_view price_schema = "syntax = \"proto3\";\npackage test.v1;\n\nmessage Price {\n  int64 units = 1;\n}\n\n";

constexpr milliseconds patience{30'000};  // a JVM's first answers take seconds where much else runs

// One for all tests of the process.
registry_server& the_registry() {
    struct started {
        std::filesystem::path folder = std::filesystem::temp_directory_path() / ("bv-registry-" + std::to_string(::getpid()));
        registry_server one{{.directory = folder, .program = std::getenv("BV_REGISTRY_PROGRAM") ? std::getenv("BV_REGISTRY_PROGRAM") : "build/tools/registry"}};
        started() { one.start(); }
        ~started() {
            one.stop();
            std::filesystem::remove_all(folder);
        }
    };
    static started s;
    if (!s.one.running()) s.one.start();
    return s.one;
}

class kafka_log_with_registry : public kafka_log_of_its_own {
protected:
    void SetUp() override {
        w.registry = registry::registry_options{.url = the_registry().url(), .timeout = patience};
        w.types = {{"maker", {std::string(test_type)}}};
    }
    [[nodiscard]] std::string subject() const { return w.topic() + '-' + std::string(test_type); }
    registry::registry_client client{{.url = the_registry().url(), .timeout = patience}};
    template <class T>
    T asked(task<result<T>> call) {
        auto said = w.cores().block_on(std::move(call));
        EXPECT_TRUE(said) << said.error().message;
        return said.value_or(T{});
    }
    static std::string trouble_of(running& log) { return dynamic_cast<platform_log&>(*log).trouble(); }
    [[nodiscard]] std::int64_t relayed() { return w.number("SELECT coalesce(max(position), 0) FROM platform.event_relay"); }
};

TEST_F(kafka_log_with_registry, registers_what_it_sends_and_puts_the_id_before_it) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b"}, 1, 5);
    ASSERT_TRUE(applied(10));
    expect_complete(effects(w, "g"), {"a", "b"}, 5);  // without the prefix
    EXPECT_EQ(asked(client.versions(subject())), std::vector<std::int32_t>{1});
    const auto schema = asked(client.at(subject(), 1));
    EXPECT_THAT(schema.text, HasSubstr("message Happened"));
    EXPECT_THAT(schema.text, HasSubstr("import \"test/v1/Price.proto\""));
    EXPECT_EQ(asked(client.versions(w.prefix() + "test.v1.Price")), std::vector<std::int32_t>{1});
    for (const auto& r : records_of(w.topic(), 10)) {
        const auto framed = registry::unframe(r.value);
        ASSERT_TRUE(framed);
        EXPECT_EQ(framed->schema, schema.id);
        EXPECT_EQ(framed->message, std::vector<std::int32_t>{0});
        EXPECT_THAT(std::string(framed->payload), ::testing::StartsWith(r.key + ":"));
    }
}

TEST_F(kafka_log_with_registry, takes_what_was_sent_before_there_was_one) {
    const auto with = std::exchange(w.registry, std::nullopt);
    {
        running log(w, {subscribed(w, "h")});
        publish(w, {"a", "b"}, 1, 5);
        ASSERT_TRUE(applied(10, "h"));
    }
    w.registry = with;
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b"}, 6, 10);
    ASSERT_TRUE(applied(20));
    expect_complete(effects(w, "g"), {"a", "b"}, 10);
}

TEST_F(kafka_log_with_registry, sends_nothing_after_a_change_that_readers_cannot_follow) {
    // What an older version of the contract had.
    const std::string older = "syntax = \"proto3\"; package test.v1; message Happened { int32 what = 1; }";
    (void)asked(client.add(subject(), older, {}));
    running log(w, {subscribed(w, "g")});
    publish(w, {"a"}, 1, 1);
    ASSERT_TRUE(eventually([&] { return !trouble_of(log).empty(); }));
    ASSERT_TRUE(eventually([&] { return trouble_of(log).find("INCOMPATIBLE") == 0 || trouble_of(log).find("FIELD_TYPE_CHANGED") != std::string::npos; })) << trouble_of(log);
    EXPECT_THAT(trouble_of(log), HasSubstr(subject() + " version 1: test.v1.Happened.what: FIELD_TYPE_CHANGED: was int32, is string"));
    EXPECT_EQ(relayed(), 0);
    EXPECT_EQ(count(w, "g"), 0u);
}

TEST_F(kafka_log_with_registry, goes_on_without_one_with_the_schemas_that_it_knows) {
    {
        running log(w, {subscribed(w, "g")});
        publish(w, {"a"}, 1, 5);
        ASSERT_TRUE(applied(5));
    }
    w.registry->url = "http://127.0.0.1:1";
    running log(w, {subscribed(w, "g")});  // a new process: it knows them from the database
    publish(w, {"a"}, 6, 10);
    ASSERT_TRUE(applied(10));
    expect_complete(effects(w, "g"), {"a"}, 10);
    EXPECT_TRUE(eventually([&] { return trouble_of(log).find("the schema registry at http://127.0.0.1:1 does not answer") == 0; })) << trouble_of(log);
}

TEST_F(kafka_log_with_registry, waits_with_a_new_schema_until_it_answers) {
    auto& server = the_registry();
    server.stop(milliseconds(0));
    running log(w, {subscribed(w, "g")});
    publish(w, {"a"}, 1, 5);
    ASSERT_TRUE(eventually([&] { return trouble_of(log).find("does not answer") != std::string::npos; }));
    EXPECT_EQ(relayed(), 0);
    server.start();  // on the same port, with what it holds
    ASSERT_TRUE(applied(5));
    EXPECT_TRUE(eventually([&] { return trouble_of(log).empty(); })) << trouble_of(log);
}

TEST_F(kafka_log_with_registry, whose_server_was_killed_gives_the_same_ids) {
    const auto before = asked(client.add("kept." + subject(), std::string(price_schema), {}));
    auto& server = the_registry();
    ::kill(server.pid(), SIGKILL);
    ASSERT_TRUE(eventually([&] { return !server.running(); }));
    server.start();
    EXPECT_EQ(asked(client.add("kept." + subject(), std::string(price_schema), {})), before);
    EXPECT_THAT(asked(client.text_of(before)).value_or(""), HasSubstr("message Price"));
}

TEST_F(kafka_log_with_registry, that_gives_another_id_than_before_is_told) {
    {
        running log(w, {subscribed(w, "g")});
        publish(w, {"a"}, 1, 1);
        ASSERT_TRUE(applied(1));
    }
    w.execute("UPDATE platform.event_schema SET id = id + 1000");  // as if a registry had forgotten all, and begun anew
    running log(w, {subscribed(w, "g")});
    publish(w, {"a"}, 2, 2);
    ASSERT_TRUE(eventually([&] { return trouble_of(log).find("Restore it, or begin with topics of another kafka.prefix") != std::string::npos; })) << trouble_of(log);
    EXPECT_EQ(count(w, "g"), 1u);
}

// A record of another program: as ours, with an id that only the registry knows.
headers by_another(const event& e) { return headers_of(e); }

TEST_F(kafka_log_with_registry, looks_for_the_schemas_of_others) {
    running log(w, {subscribed(w, "g")});
    publish(w, {"a"}, 1, 1);
    ASSERT_TRUE(applied(1));
    const auto own = "syntax = \"proto3\"; package test.v1; message Other { message Inner {} } message Happened { string what = 1; }";
    const auto id = asked(client.add("another." + subject(), own, {}));
    event e{.position = 1'000'000, .source = "maker", .id = uuid::v7(system_clock(), system_rng()), .type = std::string(test_type), .key = "x", .time = system_clock().now()};
    put(w.topic(), 0, registry::frame_prefix(id, std::vector<std::int32_t>{1}) + "x:1", by_another(e));
    ASSERT_TRUE(applied(2));
    EXPECT_EQ(effects(w, "g").back().payload, "x:1");
    e.position += 1;
    e.id = uuid::v7(system_clock(), system_rng());
    put(w.topic(), 0, registry::frame_prefix(id, std::vector<std::int32_t>{0, 0}) + "x:2", by_another(e));  // Other.Inner, and says that it is Happened
    put(w.topic(), 0, registry::frame_prefix(2'000'000'000, std::vector<std::int32_t>{0}) + "x:3", by_another(e));  // nobody's
    ASSERT_TRUE(eventually([&] { return w.cores().block_on(w.unresolved_dead_letters("g")) == 2; }));
    EXPECT_EQ(count(w, "g"), 2u);
}

}  // namespace
}  // namespace bv::events::kafka
