#include "app/operations/asyncapi_page.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace bv::operations {
namespace {

namespace json = boost::json;

constexpr std::string_view document = R"({
  "channels": {"orders": {"messages": {"Placed": {"$ref": "#/components/messages/v1.Placed"}, "Lost": {"$ref": "#/components/messages/v1.Lost"}},
                          "bindings": {"kafka": {"bindingVersion": "0.5.0"}}}},
  "components": {"messages": {"v1.Placed": {"name": "shop.v1.Placed", "bindings": {"kafka": {"bindingVersion": "0.5.0"}}},
                              "v1.Lost": {"name": "shop.v1.Lost", "bindings": {"kafka": {"bindingVersion": "0.5.0"}}}}}})";

TEST(asyncapi_page, says_where_the_schema_of_each_event_is) {
    EXPECT_EQ(subjects_of(document, "p."), (std::vector<std::string>{"p.orders-shop.v1.Placed", "p.orders-shop.v1.Lost"}));
    const auto doc = json::parse(with_schemas(document, "p.", {{"p.orders-shop.v1.Placed", {17, 2}}}));
    EXPECT_EQ(doc.at_pointer("/channels/orders/bindings/kafka/topic").as_string(), "p.orders");
    const auto& placed = doc.at_pointer("/components/messages/v1.Placed/bindings/kafka").as_object();
    EXPECT_EQ(placed.at("schemaIdLocation").as_string(), "payload");
    EXPECT_EQ(placed.at("schemaIdPayloadEncoding").as_string(), "confluent");
    EXPECT_EQ(placed.at("x-schema-subject").as_string(), "p.orders-shop.v1.Placed");
    EXPECT_EQ(placed.at("x-schema-id").as_int64(), 17);
    EXPECT_EQ(placed.at("x-schema-version").as_int64(), 2);
    const auto& lost = doc.at_pointer("/components/messages/v1.Lost/bindings/kafka").as_object();
    EXPECT_EQ(lost.at("schemaLookupStrategy").as_string(), "TopicRecordNameStrategy");
    EXPECT_FALSE(lost.contains("x-schema-id")) << "none was published yet";
}

}  // namespace
}  // namespace bv::operations
