#include <boost/json.hpp>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <span>

#include "codegen/range_pattern.hpp"
#include "codegen/sample_documents.hpp"

namespace {

namespace json = boost::json;
using namespace bv::codegen::testing;

json::value document() { return document_named("openapi.json"); }

TEST(OpenApi, HasEveryHttpBindingOnce) {
    const json::value doc = document();
    std::set<std::string> ids;
    for (const auto& [path, verbs] : doc.at("paths").as_object())
        for (const auto& [verb, operation] : verbs.as_object()) EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second);
    EXPECT_EQ(ids, (std::set<std::string>{"SampleService_CreateThing", "SampleService_GetThing", "SampleService_GetThing2", "SampleService_ListThings",
                                          "SampleService_UpdateThing", "SampleService_CloseThing", "SampleService_DeleteThing", "SampleService_ImportThings"}));
    EXPECT_EQ(doc.at("openapi").as_string(), "3.1.0");
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
    EXPECT_GT(expect_no_loose_reference(document()), 10U);
}

TEST(OpenApi, TellsPathsParametersAndHeaders) {
    const json::value doc = document();
    EXPECT_FALSE(at(doc, "/paths/~1v1~1shelves~1{parent}~1things~1{id}/get").is_null());
    EXPECT_EQ(json::serialize(at(doc, "/paths/~1v1~1things/get/security")), "[]");
    EXPECT_EQ(json::serialize(at(doc, "/paths/~1v1~1things~1{id}/patch/parameters/2")), R"({"$ref":"#/components/parameters/IfMatch"})");
    EXPECT_EQ(at(doc, "/paths/~1v1~1things~1{id}/patch/parameters/1/schema/pattern").as_string(),
              "^(\\*|(displayName|price|lines|status|owner|guests|phone|aliases|shoeSize)(,(displayName|price|lines|status|owner|guests|phone|aliases|shoeSize))*)?$");
    const std::string created = json::serialize(at(doc, "/paths/~1v1~1things/post"));
    EXPECT_NE(created.find("IdempotencyKey"), std::string::npos);
    EXPECT_NE(created.find(R"("422")"), std::string::npos);
    EXPECT_NE(created.find(R"("summary":"Makes a thing.","description":"Repeated under the same key it makes one.)"), std::string::npos) << created;
    EXPECT_NE(json::serialize(at(doc, "/paths/~1v1~1things/get/parameters")).find(R"("name":"filter.numbers")"), std::string::npos);
}

TEST(OpenApi, PutsRulesIntoSchemas) {
    const json::value doc = document();
    const std::string line = "/components/schemas/sample.v1.Thing.Line";
    EXPECT_EQ(json::serialize(at(doc, line + "/required")), R"(["sku","quantity"])");
    EXPECT_EQ(json::serialize(at(doc, line + "/properties/quantity")), R"({"type":"integer","format":"int32","minimum":1,"maximum":1000})");
    EXPECT_EQ(json::serialize(at(doc, line + "/properties/tags")),
              R"({"type":"array","maxItems":2,"items":{"type":"string","maxLength":5,"pattern":"^([a-z0-9]+(-[a-z0-9]+)*)?$"}})");
    EXPECT_EQ(json::serialize(at(doc, line + "/additionalProperties")), "false");
    EXPECT_EQ(json::serialize(at(doc, "/components/schemas/sample.v1.Thing/properties/createTime")), R"({"readOnly":true,"type":"string","format":"date-time"})");
    EXPECT_EQ(json::serialize(at(doc, "/components/schemas/sample.v1.Thing/properties/status/enum")),
              R"(["STATUS_UNSPECIFIED","STATUS_OPEN","STATUS_CLOSED","STATUS_BROKEN"])");
    EXPECT_EQ(json::serialize(at(doc, "/components/schemas/sample.v1.CreateThingRequest/oneOf")), R"([{"required":["shelf"]},{"required":["room"]}])");
    // The path holds the id, so the body does not.
    const json::value body = at(doc, "/paths/~1v1~1things~1{id}:close/post/requestBody/content/application~1json/schema");
    EXPECT_EQ(json::serialize(body.at("properties").as_object().begin()->key()), R"("reason")");
    EXPECT_TRUE(at(doc, "/paths/~1v1~1things~1{id}/patch/requestBody/content/application~1json/schema/required").is_null());
}

TEST(OpenApi, TellsThatAStreamIsLinesOfJson) {
    const json::value body = at(document(), "/paths/~1v1~1things:import/post/requestBody");
    EXPECT_EQ(json::serialize(at(body, "/content/application~1x-ndjson/schema")), R"({"$ref":"#/components/schemas/sample.v1.Thing"})");
    EXPECT_NE(std::string(body.at("description").as_string()).find("one such object a line"), std::string::npos);
}

TEST(RangePattern, MatchesTheRangeAndNothingElse) {
    for (const auto& [min, max] : std::initializer_list<std::pair<std::int64_t, std::int64_t>>{{0, 0}, {0, 9}, {1, 1}, {1, 1000}, {7, 123}, {99, 101}, {0, 1234}, {450, 4321}, {1000, 1000}}) {
        const std::regex pattern(bv::codegen::range_pattern(min, max));
        for (std::int64_t i = 0; i < 5000; ++i)
            EXPECT_EQ(std::regex_match(std::to_string(i), pattern), i >= min && i <= max) << i << " in " << min << ".." << max << ' ' << bv::codegen::range_pattern(min, max);
        EXPECT_FALSE(std::regex_match("01", pattern));
        EXPECT_FALSE(std::regex_match("", pattern));
    }
    EXPECT_EQ(bv::codegen::range_pattern(1, 1'000'000), "^([1-9]|[1-9][0-9]|[1-9][0-9]{2}|[1-9][0-9]{3}|[1-9][0-9]{4}|[1-9][0-9]{5}|1000000)$");
}

}  // namespace
