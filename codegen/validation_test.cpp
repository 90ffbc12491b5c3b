// What generated validators find.
#include <gtest/gtest.h>

#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/rpc/message_json.hpp"
#include "platform/rpc/reported.hpp"

namespace v1 = bitvelocity::sample::v1;

namespace {

template <class Message>
std::string violations(std::string_view json) {
    Message m;
    const auto read = bv::json::parse(json, m);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    std::string out;
    if (const auto valid = bv::rpc::validated(m); !valid)
        for (const auto& v : valid.error().violations) out += v.field + ": " + v.description + '\n';
    return out;
}

constexpr std::string_view good = R"({"thing":{"displayName":"Chair","price":{"currency":"GBP"}},"room":1})";

TEST(Validate, AcceptsWhatFollowsTheRules) {
    EXPECT_EQ(violations<v1::CreateThingRequest>(good), "");
    EXPECT_EQ(violations<v1::CreateThingRequest>(
                  R"({"thing":{"displayName":"Ää","price":{"currency":"GBP"},"lines":[{"sku":"A","quantity":1,"tags":["a-b"],"weights":{"x":0}}]},"priority":5,"shelf":"12345678"})"),
              "");
}

TEST(Validate, NamesEveryViolatedField) {
    EXPECT_EQ(violations<v1::CreateThingRequest>("{}"), "thing: is required\ntarget: one of these is required: shelf, room\n");
    EXPECT_EQ(violations<v1::CreateThingRequest>(
                  R"({"thing":{"displayName":"Ä","price":{"currency":"gbp"},"owner":{"email":"nobody"},"guests":{"g":{"email":"x@"}},"status":99,
                      "lines":[{"sku":"A","quantity":0},{"quantity":1001,"tags":["a","b","toolong"],"weights":{"a":-1,"b":0,"c":0}},{"sku":"-","quantity":1,"tags":["A"]},{"sku":"A","quantity":1}]},
                      "priority":0,"shelf":"123456789"})"),
              "thing.displayName: must have at least 2 characters, has 1\n"
              "thing.price.currency: must be an ISO 4217 currency code, such as GBP\n"
              "thing.lines: must have at most 3 items, has 4\n"
              "thing.lines[0].quantity: must be from 1 to 1000, is 0\n"
              "thing.lines[1].sku: is required\n"
              "thing.lines[1].quantity: must be from 1 to 1000, is 1001\n"
              "thing.lines[1].tags: must have at most 2 items, has 3\n"
              "thing.lines[1].tags[2]: must have at most 5 characters, has 7\n"
              "thing.lines[1].weights: must have at most 2 items, has 3\n"
              "thing.lines[1].weights[\"a\"]: must be at least 0, is -1\n"
              "thing.lines[2].sku: must be at most 64 letters, digits, '.', '_' or '-', beginning with a letter or digit\n"
              "thing.lines[2].tags[0]: must be lower-case letters and digits with single hyphens between, such as garden-tools\n"
              "thing.status: 99 is not a value of the enum\n"
              "thing.owner.email: must be an e-mail address, such as ada@example.com\n"
              "thing.guests[\"g\"].email: must be an e-mail address, such as ada@example.com\n"
              "priority: must be from 1 to 5, is 0\n"
              "shelf: must have at most 8 characters, has 9\n");
}

// A body of megabytes may hold a million wrong items: what is said of them must not be a hundred times as much.
TEST(Validate, SaysEnoughOfARequestThatIsWrongAllOver) {
    v1::CreateThingRequest m;
    for (int i = 0; i < 10'000; ++i) m.mutable_thing()->add_lines();
    v1::UpdateThingRequest masked;
    for (int i = 0; i < 10'000; ++i) masked.mutable_update_mask()->add_paths("x");
    EXPECT_EQ(bv::rpc::validated(m).error().violations.size(), bv::rpc::most_violations);
    EXPECT_EQ(bv::rpc::validated(masked).error().violations.size(), bv::rpc::most_violations);
}

TEST(Validate, ChecksAnOptionalNumberOnlyWhenItIsThere) {
    EXPECT_EQ(violations<v1::CreateThingRequest>(R"({"thing":{"displayName":"Chair","price":{"currency":"GBP"}},"room":0})"), "");
}

TEST(Validate, DemandsOfAPatchOnlyWhatItsMaskNames) {
    EXPECT_EQ(violations<v1::UpdateThingRequest>(R"({"thing":{"phone":"1"},"updateMask":"phone"})"), "");
    EXPECT_EQ(violations<v1::UpdateThingRequest>(R"({"thing":{},"updateMask":"displayName,price.minorUnits"})"),
              "thing.displayName: is required\nthing.price: is required\n");
    // What is given is checked, masked or not.
    EXPECT_EQ(violations<v1::UpdateThingRequest>(R"({"thing":{"displayName":"x"},"updateMask":"phone"})"),
              "thing.displayName: must have at least 2 characters, has 1\n");
    // An absent mask was settled before: it named what was sent.
    EXPECT_EQ(violations<v1::UpdateThingRequest>(R"({"thing":{}})"), "");
}

TEST(Validate, RefusesAMaskOfWhatCannotBeChanged) {
    const auto refused = [](const std::string& mask) { return violations<v1::UpdateThingRequest>(R"({"thing":{"price":{"currency":"GBP"}},"updateMask":")" + mask + "\"}"); };
    const std::string can = "\" cannot be changed; displayName, price, lines, status, owner, guests, phone, aliases and shoeSize can\n";
    for (const char* field : {"id", "createTime", "etag", "colour", "lines.sku", "price.weight", "status.x", "owner.email.x"})
        EXPECT_EQ(refused(field), std::string("updateMask: \"") + field + can) << field;
    EXPECT_EQ(refused("*,phone"), "updateMask: \"*\" means every field and stands alone\n");
    EXPECT_EQ(refused("owner.email,aliases"), "");
}

}  // namespace
