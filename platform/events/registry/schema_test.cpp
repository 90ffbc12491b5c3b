#include "platform/events/registry/schema.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/events/registry/compatibility.hpp"

namespace bv::events::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A contract's files, built as protoc would.
class contract {
public:
    contract() { bring(*google::protobuf::Timestamp::descriptor()->file()); }
    void add(const std::string& name, const std::string& text) {
        auto file = *parse_schema(text);
        file.set_name(name);
        ASSERT_NE(pool_.BuildFile(file), nullptr);
    }
    [[nodiscard]] const google::protobuf::Descriptor& message(const std::string& name) const { return *pool_.FindMessageTypeByName(name); }

private:
    void bring(const google::protobuf::FileDescriptor& f) {
        google::protobuf::FileDescriptorProto copy;
        f.CopyTo(&copy);
        pool_.BuildFile(copy);
    }
    google::protobuf::DescriptorPool pool_;
};

class schema_of_an_event : public ::testing::Test {
protected:
    void SetUp() override {
        c.add("type/money.proto", R"(syntax = "proto3"; package type; message Money { int64 units = 1; } message Weight { int64 grams = 1; })");
        c.add("shop/events.proto", R"(syntax = "proto3"; package shop;
            import "google/protobuf/timestamp.proto"; import "type/money.proto";
            enum Reason { REASON_UNSPECIFIED = 0; REASON_LATE = 1; }
            message Line { string sku = 1; type.Money price = 2; }
            message Placed {
              message Note { string text = 1; }
              string id = 1; repeated Line lines = 2; type.Money total = 3; google.protobuf.Timestamp at = 4; map<string, Note> notes = 5; reserved 6;
              oneof how { string card = 7; string cash = 8; } optional int32 tip = 9;
            }
            message Cancelled { string id = 1; Reason reason = 2; }
            message Left { Right other = 1; } message Right { Left other = 1; })");
    }
    contract c;
};

TEST_F(schema_of_an_event, holds_it_alone_and_refers_to_what_it_uses) {
    const auto all = schemas_of(c.message("shop.Placed"));
    std::vector<std::string> types;
    for (const auto& s : all) types.push_back(s.type);
    EXPECT_THAT(types, ElementsAre("type.Money", "shop.Line", "shop.Placed"));  // what is used comes first
    const auto& placed = all.back();
    EXPECT_THAT(placed.text, HasSubstr("import \"shop/Line.proto\";"));
    EXPECT_THAT(placed.text, HasSubstr("import \"google/protobuf/timestamp.proto\";"));
    EXPECT_THAT(placed.text, Not(HasSubstr("Cancelled")));
    EXPECT_THAT(all.front().text, Not(HasSubstr("Weight")));
    ASSERT_EQ(placed.uses.size(), 2u);  // Google's types are in every registry
    EXPECT_EQ(placed.uses[0].import, "shop/Line.proto");
    EXPECT_EQ(placed.uses[1].type, "type.Money");
}

TEST_F(schema_of_an_event, is_a_file_that_can_be_read_again) {
    google::protobuf::DescriptorPool pool;
    google::protobuf::FileDescriptorProto stamp;
    google::protobuf::Timestamp::descriptor()->file()->CopyTo(&stamp);
    pool.BuildFile(stamp);
    for (const auto& s : schemas_of(c.message("shop.Placed"))) {
        auto file = parse_schema(s.text);
        ASSERT_TRUE(file) << s.text << file.error().message;
        auto path = s.type;
        std::ranges::replace(path, '.', '/');
        file->set_name(path + ".proto");
        ASSERT_NE(pool.BuildFile(*file), nullptr) << s.text;
        EXPECT_THAT(breaches(*file, *file), IsEmpty());
    }
    const auto* placed = pool.FindMessageTypeByName("shop.Placed");
    ASSERT_NE(placed, nullptr);
    EXPECT_EQ(placed->field_count(), c.message("shop.Placed").field_count());
    EXPECT_TRUE(placed->FindFieldByName("tip")->has_presence());
    EXPECT_TRUE(placed->FindFieldByName("notes")->is_map());
}

TEST_F(schema_of_an_event, of_messages_that_use_each_other_is_refused) {
    try {
        (void)schemas_of(c.message("shop.Left"));
        FAIL();
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "SCHEMA_CYCLE");
    }
}

TEST(schema, of_a_type_that_is_not_linked_in_is_none) { EXPECT_THAT(schemas_of("no.such.Type"), IsEmpty()); }

}  // namespace
}  // namespace bv::events::registry
