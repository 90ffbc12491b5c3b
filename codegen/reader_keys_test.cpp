// Keys are found however they are written and in whatever order they come.
#include <gtest/gtest.h>

#include <algorithm>

#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/rpc/message_json.hpp"

namespace v1 = bitvelocity::sample::v1;

namespace {

std::string read_and_written(const std::string& text) {
    v1::Thing m;
    const auto read = bv::json::parse(text, m);
    return read ? bv::rpc::to_json(m) : read.error().message;
}

TEST(ReadKeys, InAnyOrder) {
    std::vector<std::string> members{R"("id":"i")", R"("displayName":"n")", R"("price":{"currency":"GBP","minorUnits":"5"})", R"("lines":[{"quantity":2,"sku":"s"}])",
                                     R"("createTime":"2026-01-31T09:00:00Z")", R"("etag":"e")"};
    std::ranges::sort(members);
    std::string first;
    do {
        std::string text = "{";
        for (const std::string& m : members) (text += text.size() > 1 ? "," : "") += m;
        const std::string out = read_and_written(text + "}");
        if (first.empty()) first = out;
        ASSERT_EQ(out, first) << text;
    } while (std::ranges::next_permutation(members).found);
    EXPECT_NE(first.find("\"lines\":[{\"sku\":\"s\",\"quantity\":2}]"), std::string::npos) << first;
}

TEST(ReadKeys, HoweverTheyAreWritten) {
    const std::string expected = R"({"id":"i","displayName":"n"})";
    for (const char* text : {R"({"id":"i","displayName":"n"})", R"({"id":"i","display_name":"n"})", R"({ "id" : "i" , "displayName" : "n" })", "{\n\t\"id\":\n\"i\",\r\n\"displayName\": \"n\"}",
                             R"({"\u0069d":"i","display\u004eame":"n"})", R"({"id":"i","displayName":"n","etag":null})", R"({"id":"i","etag": null,"displayName":"n"           })",
                             R"({"etag":null ,"displayName":"n","id":"i","shoeSize":null,"lines":null,"price":null})"})
        EXPECT_EQ(read_and_written(text), expected) << text;
}

TEST(ReadKeys, AreNoPartsOfOthers) {
    for (const char* text : {R"({"i":"i"})", R"({"idd":"i"})", R"({"id ":"i"})", R"({"displayNam":"n"})", R"({"displayNames":"n"})", R"({"createTime2":null,"id":"i"})", R"({"":"i"})"}) {
        v1::Thing m;
        const auto read = bv::json::parse(text, m);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().violations.at(0).description.substr(0, 13), "unknown field") << text;
    }
}

TEST(ReadKeys, AreRefusedWhenTheyComeAgain) {
    for (const char* text : {R"({"id":"a","id":"b"})", R"({"id":"a","etag":"e","id":"b"})", R"({"id":null,"id":null})", R"({"id":"a","etag":"e","\u0069d":"b"})"}) {
        v1::Thing m;
        const auto read = bv::json::parse(text, m);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().violations.at(0).field, "id");
        EXPECT_EQ(read.error().violations.at(0).description, "is given more than once; give it once");
    }
}

TEST(ReadKeys, NeedTheirCommaAndColon) {
    for (const char* text : {R"({"id":"a" "etag":"e"            })", R"({"id":"a",,"etag":"e"           })", R"({,"id":"a"                      })", R"({"id" "a"                       })",
                             R"({"id":"a";"etag":"e"            })", R"({"id":"a","etag":"e",           })", R"({"id":"a","etag"                })", R"({"id":"a")", R"({"id":)"}) {
        v1::Thing m;
        const auto read = bv::json::parse(text, m);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().reason, "MALFORMED_JSON") << text;
    }
}

}  // namespace
