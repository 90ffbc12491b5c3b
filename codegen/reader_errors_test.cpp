// What generated readers refuse: the path and the reason.
#include <gtest/gtest.h>

#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/rpc/message_json.hpp"

namespace v1 = bitvelocity::sample::v1;

namespace {

template <class Message>
std::string refusal(std::string_view text) {
    Message m;
    const auto read = bv::json::parse(text, m);
    if (read) return "accepted";
    const bv::error& e = read.error();
    return e.violations.empty() ? e.reason + ": " + e.message : e.violations.at(0).field + ": " + e.violations.at(0).description;
}

struct refusal_case {
    const char *text, *expected;
};

TEST(ReadJson, NamesThePathAndTheReason) {
    for (const auto& [text, expected] : std::initializer_list<refusal_case>{
             {R"({"lines":[{},{},{"qty":1}]})", "lines[2].qty: unknown field; did you mean quantity?"},
             {R"({"lines":[{"quantity":"many"}]})", "lines[0].quantity: must be an integer from -2147483648 to 2147483647"},
             {R"({"lines":[{"quantity":1.5}]})", "lines[0].quantity: must be an integer, without a fraction"},
             {R"({"lines":{}})", "lines: expected an array, found an object"},
             {R"({"lines":[null]})", "lines[0]: expected an object, found null"},
             {R"({"price":{"minorUnits":9223372036854775808}})", "price.minorUnits: must be an integer from -9223372036854775808 to 9223372036854775807"},
             {R"({"displayName":"a","display_name":"b"})", "displayName: is given more than once; give it once"},
             {R"({"displayName":null,"displayName":"b"})", "displayName: is given more than once; give it once"},
             {R"({"guests":{"a":{},"a":{}}})", "guests.a: is given more than once; give it once"},
             {R"({"guests":{"a b":{"email":1}}})", R"(guests["a b"].email: expected a string, found a number)"},
             {R"({"status":"OPEN"})", R"(status: "OPEN" is not one of STATUS_UNSPECIFIED, STATUS_OPEN, STATUS_CLOSED, STATUS_BROKEN)"},
             {R"({"status":true})", "status: expected the name of an enum value, found a boolean"},
             {R"({"createTime":"2026-02-30T00:00:00Z"})", "createTime: expected a time of RFC 3339, such as \"2026-01-31T09:00:00Z\""},
             {R"({"createTime":"2026-01-31 00:00:00Z"})", "createTime: expected a time of RFC 3339, such as \"2026-01-31T09:00:00Z\""},
             {R"([])", ": expected an object, found an array"},
             {R"({"id":"x",})", "MALFORMED_JSON: The JSON is malformed at line 1, column 11: expected a key in quotes."},
             {R"({"id":"x"} {})", "MALFORMED_JSON: The JSON is malformed at line 1, column 12: nothing may follow the value."},
             {"{\n\"id\":\n\"x}", "MALFORMED_JSON: The JSON is malformed at line 3, column 4: the string does not end."},
             {"{\"id\":\"\xc3\x28\"}", "MALFORMED_JSON: The JSON is malformed at line 1, column 10: the string is not valid UTF-8."},
             {"", "MALFORMED_JSON: The JSON is malformed at line 1, column 1: expected an object, but the text ends here."}})
        EXPECT_EQ(refusal<v1::Thing>(text), expected) << text;
}

TEST(ReadJson, NeverCutsACharacterOfAnUnknownField) {
    const std::string e = "\xc3\xa9", nineteen = e + e + e + e + e + e + e + e + e + e + e + e + e + e + e + e + e + e + e;
    EXPECT_EQ(refusal<v1::Thing>("{\"-" + nineteen + e + "\":1}"), "-" + nineteen + ": unknown field");
    EXPECT_EQ(refusal<v1::Thing>("{\"guests\":{\"-" + nineteen + e + "\":1}}"), "guests[\"-" + nineteen + "\"…]: expected an object, found a number");
}

TEST(ReadJson, OfEveryTypeRefusesWhatDoesNotFit) {
    for (const auto& [text, expected] : std::initializer_list<refusal_case>{
             {R"({"choiceNumber":1,"choiceText":"x"})", "choiceText: only one of the fields of choice may be given"},
             {R"({"choiceNull":null,"choiceText":"x"})", "choiceText: only one of the fields of choice may be given"},
             {R"({"intMap":{"x":1}})", R"(intMap["x"]: the key must be an integer from -2147483648 to 2147483647)"},
             {R"({"intMap":{"01":1}})", R"(intMap["01"]: the key must be an integer from -2147483648 to 2147483647)"},
             {R"({"boolMap":{"yes":1}})", R"(boolMap["yes"]: the key must be true or false)"},
             {R"({"bytesValue":"a"})", "bytesValue: expected base64"},
             {R"({"duration":"1"})", "duration: expected a duration in seconds, such as \"1.5s\""},
             {R"({"duration":"315576000001s"})", "duration: expected a duration in seconds, such as \"1.5s\""},
             {R"({"mask":"a..b"})", "mask: expected field names joined by commas, such as \"displayName,price.currency\""},
             {R"({"empty":{"a":1}})", "empty.a: unknown field"},
             {R"({"any":{}})", "any: cannot be given as JSON"},
             {R"({"boxedUint32":-1})", "boxedUint32: must be an integer from 0 to 4294967295"},
             {R"({"structure":{"a":[{"b":tru}]}})", "MALFORMED_JSON: The JSON is malformed at line 1, column 25: expected true or false."},
             {R"({"boolValue":"true"})", "boolValue: expected true or false, found a string"},
             {R"({"uint64Value":1e20})", "uint64Value: must be an integer from 0 to 18446744073709551615"}})
        EXPECT_EQ(refusal<v1::EveryType>(text), expected) << text;
}

TEST(ReadJson, LimitsDepth) {
    std::string text;
    for (int i = 0; i < 70; ++i) text += R"({"self":)";
    EXPECT_NE(refusal<v1::EveryType>(text).find("is nested more than 64 levels deep"), std::string::npos);
    EXPECT_NE(refusal<v1::EveryType>(R"({"value":)" + std::string(100'000, '[')).find("is nested more than 64 levels deep"), std::string::npos);
}

TEST(ReadJson, SkipsUnknownFieldsOnlyWhenAskedTo) {
    v1::Thing m;
    ASSERT_TRUE(bv::json::parse(R"({"new":[{"a":1}],"id":"x","lines":[{"new":{}}]})", m, {.ignore_unknown = true}));
    EXPECT_EQ(m.id(), "x");
    EXPECT_FALSE(bv::json::parse(R"({"new":[)", m, {.ignore_unknown = true}));
}

TEST(ReadJson, TakesTimesWithOffsets) {
    v1::Thing m;
    ASSERT_TRUE(bv::json::parse(R"({"createTime":"2026-01-31T10:30:00.25+01:30"})", m));
    EXPECT_EQ(bv::rpc::to_json(m), R"({"createTime":"2026-01-31T09:00:00.250Z"})");
}

TEST(Masking, HidesPersonalDataHoweverDeep) {
    v1::CreateThingRequest m;
    ASSERT_TRUE(bv::json::parse(R"({"thing":{"displayName":"n","owner":{"email":"a@b.de","nickname":"k"},"guests":{"g":{"email":"c@d.de"}},)"
                                R"("phone":"+441","aliases":["x","y"],"shoeSize":44},"shelf":"s"})",
                                m));
    EXPECT_EQ(bv::rpc::to_masked_json(m),
              R"({"thing":{"displayName":"n","owner":{"email":"***","nickname":"k"},"guests":{"g":{"email":"***"}},"phone":"***","aliases":["***","***"]},"shelf":"s"})");
}

}  // namespace
