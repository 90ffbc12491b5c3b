#include "platform/events/registry/registry_client.hpp"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/net/http/raw_client.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::events::registry {
namespace {

using ::testing::HasSubstr;
using http::testing::running_server;

// A registry that gives one answer and remembers what it was asked.
struct one_answer {
    one_answer(int status, std::string body) : status_(status), body_(std::move(body)) {}
    task<http::response> answer(http::request& r) {
        target = std::string(r.target);
        authorization = std::string(r.headers.get("Authorization"));
        asked = r.body;
        http::response out;
        out.status = status_;
        out.content_type = "application/vnd.schemaregistry.v1+json";
        out.body = body_;
        co_return out;
    }
    [[nodiscard]] registry_options options(std::string path = {}) const { return {.url = "http://127.0.0.1:" + std::to_string(server.port()) + path, .user = "user", .password = "pass"}; }

    std::string target, authorization, asked;

private:
    const int status_;
    const std::string body_;

public:
    running_server server{[this](http::request& r) { return answer(r); }};
};

template <class T>
T ask(const registry_options& o, std::function<task<T>(registry_client&)> call) {
    runtime machine(1);
    machine.start();
    registry_client client(o);
    return machine.block_on(call(client));
}

TEST(registry_client, logs_in_and_encodes_the_subject) {
    one_answer r(200, R"({"id":7})");
    const auto id = ask<result<std::int32_t>>(r.options("/apis/ccompat/v7/"), [](registry_client& c) { return c.add("a topic-v1.Type", "syntax = \"proto3\";", {{"x.proto", "x", 2}}); });
    ASSERT_TRUE(id);
    EXPECT_EQ(*id, 7);
    EXPECT_EQ(r.target, "/apis/ccompat/v7/subjects/a%20topic-v1.Type/versions");
    EXPECT_EQ(r.authorization, "Basic dXNlcjpwYXNz");
    EXPECT_EQ(r.asked, R"({"schemaType":"PROTOBUF","schema":"syntax = \"proto3\";","references":[{"name":"x.proto","subject":"x","version":2}]})");
}

TEST(registry_client, says_what_the_registry_refused) {
    struct {
        int status;
        const char* reason;
    } const refusals[] = {{401, "REGISTRY_LOGIN"}, {403, "REGISTRY_LOGIN"}, {409, "INCOMPATIBLE_SCHEMA"}, {422, "REGISTRY_REFUSED"}};
    for (const auto& [status, reason] : refusals) {
        one_answer r(status, R"({"error_code":1,"message":"for the test"})");
        const auto id = ask<result<std::int32_t>>(r.options(), [](registry_client& c) { return c.add("s", "", {}); });
        ASSERT_FALSE(id);
        EXPECT_EQ(id.error().reason, reason);
        EXPECT_THAT(id.error().message, HasSubstr("for the test"));
    }
}

TEST(registry_client, knows_what_is_not_there) {
    one_answer r(404, R"({"error_code":40401,"message":"no such subject"})");
    EXPECT_TRUE(ask<result<std::vector<std::int32_t>>>(r.options(), [](registry_client& c) { return c.versions("s"); })->empty());
    EXPECT_FALSE(ask<result<std::optional<registered>>>(r.options(), [](registry_client& c) { return c.find("s", "", {}); })->has_value());
    EXPECT_FALSE(ask<result<std::optional<std::string>>>(r.options(), [](registry_client& c) { return c.text_of(1); })->has_value());
}

TEST(registry_client, is_told_from_what_is_no_registry) {
    for (const auto& [status, body] : {std::pair{500, "{}"}, std::pair{200, "<html>"}, std::pair{200, "{}"}}) {
        one_answer r(status, body);
        try {
            (void)ask<result<std::int32_t>>(r.options(), [](registry_client& c) { return c.add("s", "", {}); });
            FAIL();
        } catch (const failure& f) {
            EXPECT_EQ(f.error().reason, "REGISTRY_AWAY");
            EXPECT_THAT(f.error().message, HasSubstr("does not answer"));
        }
    }
    EXPECT_THROW(registry_client({.url = "registry:8081"}), failure);
}

template <class T>
std::string fault_of(const std::string& body, std::function<task<T>(registry_client&)> call) {
    one_answer r(200, body);
    try {
        (void)ask<T>(r.options(), std::move(call));
        return {};
    } catch (const failure& f) {
        return f.error().reason;
    }
}

// What it says is noted, and stands in records that are never written again.
TEST(registry_client, takes_no_half_an_answer_for_one) {
    for (const char* body : {"{}", R"({"id":0})", R"({"id":-1})", R"({"id":4294967303})", R"({"id":"7"})"})
        EXPECT_EQ(fault_of<result<std::int32_t>>(body, [](registry_client& c) { return c.add("s", "", {}); }), "REGISTRY_AWAY") << body;
    for (const char* body : {"{}", R"({"id":7,"version":1})", R"({"id":7,"schema":"x"})", R"({"version":1,"schema":"x"})", R"({"id":4294967303,"version":1,"schema":"x"})"}) {
        EXPECT_EQ((fault_of<result<std::optional<registered>>>(body, [](registry_client& c) { return c.find("s", "", {}); })), "REGISTRY_AWAY") << body;
        EXPECT_EQ(fault_of<result<registered>>(body, [](registry_client& c) { return c.at("s", 1); }), "REGISTRY_AWAY") << body;
    }
    EXPECT_EQ((fault_of<result<std::optional<std::string>>>("{}", [](registry_client& c) { return c.text_of(1); })), "REGISTRY_AWAY");
    for (const char* body : {R"(["1"])", "[4294967297]", "[0]"})
        EXPECT_EQ((fault_of<result<std::vector<std::int32_t>>>(body, [](registry_client& c) { return c.versions("s"); })), "REGISTRY_AWAY") << body;
    EXPECT_EQ(fault_of<result<registered>>(R"({"id":7,"version":1,"schema":"x"})", [](registry_client& c) { return c.at("s", 1); }), "");
}

}  // namespace
}  // namespace bv::events::registry
