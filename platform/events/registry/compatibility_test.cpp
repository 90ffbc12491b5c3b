#include "platform/events/registry/compatibility.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bv::events::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view before = R"(
    syntax = "proto3";
    package shop;
    message Placed {
      message Line { string sku = 1; }
      string id = 1;
      repeated Line lines = 2;
      .type.Money total = 3;
      oneof how { string card = 4; }
      reserved 5;
      reserved "old";
    }
    enum Reason { REASON_UNSPECIFIED = 0; REASON_LATE = 1; reserved 7; })";

std::string changed(std::string_view from, std::string_view to) {
    std::string out(before);
    const auto at = out.find(from);
    EXPECT_NE(at, std::string::npos);
    return out.replace(at, from.size(), to);
}

std::vector<std::string> found(const std::string& newer) {
    const auto was = parse_schema(before), is = parse_schema(newer);
    EXPECT_TRUE(is) << is.error().message;
    std::vector<std::string> out;
    for (const auto& b : breaches(*was, *is)) out.push_back(b.where + ": " + b.rule);
    return out;
}

TEST(compatibility, allows_to_add) {
    EXPECT_THAT(found(changed("string id = 1;", "string id = 1; string note = 6; optional int32 tip = 8; repeated Line more = 9;")), IsEmpty());
    EXPECT_THAT(found(changed("message Placed {", "message Other {} enum Another { ANOTHER_UNSPECIFIED = 0; } message Placed {")), IsEmpty());
    EXPECT_THAT(found(changed("REASON_LATE = 1;", "REASON_LATE = 1; REASON_LOST = 2;")), IsEmpty());
    EXPECT_THAT(found(changed("string card = 4;", "string card = 4; string cash = 6;")), IsEmpty());
    EXPECT_THAT(found(changed("string id = 1;", "reserved 1; reserved \"id\";")), IsEmpty());
    EXPECT_THAT(found(changed("REASON_LATE = 1;", "reserved 1; reserved \"REASON_LATE\";")), IsEmpty());
}

struct forbidden {
    const char* from;
    const char* to;
    const char* breach;
};

class compatibility_forbids : public ::testing::TestWithParam<forbidden> {};

TEST_P(compatibility_forbids, it) { EXPECT_THAT(found(changed(GetParam().from, GetParam().to)), ElementsAre(GetParam().breach)); }

INSTANTIATE_TEST_SUITE_P(each, compatibility_forbids,
                         ::testing::Values(forbidden{"package shop;", "package store;", "shop: PACKAGE_CHANGED"},
                                           forbidden{"message Placed {", "message Ordered {", "shop.Placed: MESSAGE_REMOVED"},
                                           forbidden{"message Line {", "message Row {", "shop.Placed.Line: MESSAGE_REMOVED"},
                                           forbidden{"enum Reason {", "enum Why {", "shop.Reason: ENUM_REMOVED"},
                                           forbidden{"string id = 1;", "", "shop.Placed.id: FIELD_REMOVED"},
                                           forbidden{"string id = 1;", "reserved 1;", "shop.Placed.id: FIELD_REMOVED"},
                                           forbidden{"string id = 1;", "string key = 1;", "shop.Placed.id: FIELD_RENAMED"},
                                           forbidden{"string id = 1;", "bytes id = 1;", "shop.Placed.id: FIELD_TYPE_CHANGED"},
                                           forbidden{".type.Money total", ".type.Amount total", "shop.Placed.total: FIELD_TYPE_CHANGED"},
                                           forbidden{"string id = 1;", "repeated string id = 1;", "shop.Placed.id: FIELD_LABEL_CHANGED"},
                                           forbidden{"string id = 1;", "optional string id = 1;", "shop.Placed.id: FIELD_LABEL_CHANGED"},
                                           forbidden{"oneof how { string card = 4; }", "string card = 4;", "shop.Placed.card: FIELD_ONEOF_CHANGED"},
                                           forbidden{"reserved 5;", "string note = 5;", "shop.Placed.note: RESERVED_REUSED"},
                                           forbidden{"reserved \"old\";", "string old = 6;", "shop.Placed.old: RESERVED_REUSED"},
                                           forbidden{"REASON_LATE = 1;", "", "shop.Reason.REASON_LATE: ENUM_VALUE_REMOVED"},
                                           forbidden{"REASON_LATE = 1;", "REASON_SLOW = 1;", "shop.Reason.REASON_LATE: ENUM_VALUE_RENAMED"},
                                           forbidden{"reserved 7;", "REASON_LOST = 7;", "shop.Reason.REASON_LOST: RESERVED_REUSED"}));

TEST(compatibility, says_what_was_and_what_is) {
    const auto is = parse_schema(changed("string id = 1;", "bytes id = 1;"));
    ASSERT_TRUE(is);
    const auto all = breaches(*parse_schema(before), *is);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].str(), "shop.Placed.id: FIELD_TYPE_CHANGED: was string, is bytes");
}

TEST(schema_text, that_is_none_is_refused_with_its_line) {
    const auto read = parse_schema("syntax = \"proto3\";\nmessage {");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason, "MALFORMED_SCHEMA");
    EXPECT_NE(read.error().message.find("line 2"), std::string::npos);
}

TEST(schema_text, names_the_message_at_indexes) {
    const auto file = parse_schema(before);
    ASSERT_TRUE(file);
    const auto name = [&](std::vector<std::int32_t> at) { return message_at(*file, at); };
    EXPECT_EQ(name({0}), "shop.Placed");
    EXPECT_EQ(name({0, 0}), "shop.Placed.Line");
    EXPECT_EQ(name({1}), "");
    EXPECT_EQ(name({}), "");
}

}  // namespace
}  // namespace bv::events::registry
