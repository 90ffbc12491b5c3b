#include "codegen/asyncapi.hpp"

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "codegen/options.hpp"
#include "codegen/sample_documents.hpp"

namespace {

namespace json = boost::json;
namespace pb = google::protobuf;
using namespace bv::codegen::testing;

json::value document() { return document_named("asyncapi.json"); }

TEST(AsyncApi, HasAChannelForEachSourceWithItsEvents) {
    const json::value doc = document();
    EXPECT_EQ(doc.at("asyncapi").as_string(), "3.0.0");
    EXPECT_EQ(doc.at("channels").as_object().size(), 1U);
    EXPECT_EQ(json::serialize(at(doc, "/channels/samples/messages")),
              R"({"ThingDeleted":{"$ref":"#/components/messages/sample.v1.ThingDeleted"},"ContactChanged":{"$ref":"#/components/messages/sample.v1.ContactChanged"}})");
    EXPECT_EQ(at(doc, "/operations/publish-samples/action").as_string(), "send");
    EXPECT_EQ(at(doc, "/operations/publish-samples/messages").as_array().size(), 2U);
}

TEST(AsyncApi, EveryReferenceLeadsSomewhere) { EXPECT_GT(expect_no_loose_reference(document()), 5U); }

TEST(AsyncApi, TellsWhatAnEventIs) {
    const json::value doc = document();
    const std::string deleted = "/components/messages/sample.v1.ThingDeleted";
    EXPECT_EQ(at(doc, deleted + "/name").as_string(), "bitvelocity.sample.v1.ThingDeleted");
    EXPECT_EQ(at(doc, deleted + "/title").as_string(), "Thing deleted");
    EXPECT_EQ(at(doc, deleted + "/summary").as_string(), "A thing has gone.");
    EXPECT_EQ(at(doc, deleted + "/description").as_string(), "It does not come back.");
    EXPECT_EQ(at(doc, "/components/messages/sample.v1.ContactChanged/bindings/kafka/key/description").as_string(), "The message's contact.nickname.");
    // What an event holds is described too.
    EXPECT_FALSE(at(doc, "/components/schemas/sample.v1.Contact/properties/nickname").is_null());
}

// What is wrong with a contract of one file.
std::string fault_of(const std::string& text) {
    pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
    pb::io::Tokenizer tokens(&stream, nullptr);
    pb::compiler::Parser parser;
    pb::FileDescriptorProto parsed;
    EXPECT_TRUE(parser.Parse(&tokens, &parsed)) << text;
    parsed.set_name("events.proto");
    parsed.set_package("shop");
    // The pool that is underlaid knows the options.
    pb::DescriptorPool pool(pb::DescriptorPool::generated_pool());
    const auto* file = pool.BuildFile(parsed);
    EXPECT_NE(file, nullptr);
    return file == nullptr ? "not built" : bv::codegen::fault_of_events(*file);
}

constexpr const char* head = "syntax = \"proto3\";\nimport \"bitvelocity/options/v1/options.proto\";\n";
constexpr const char* source = "option (bitvelocity.options.v1.event_source) = \"orders\";\n";
std::string event(const std::string& key, const std::string& fields) {
    return "message Placed { option (bitvelocity.options.v1.event_key) = \"" + key + "\"; " + fields + " }";
}

TEST(AsyncApi, RefusesEventsWithoutASourceOrAKey) {
    EXPECT_EQ(fault_of(std::string(head) + source + event("id", "string id = 1;")), "");
    EXPECT_EQ(fault_of(std::string(head) + event("id", "string id = 1;")), "its events need an event_source");
    EXPECT_EQ(fault_of(std::string(head) + source + "message Placed { string id = 1; }"), "it has an event_source, and no message with an event_key");
    EXPECT_EQ(fault_of(std::string(head) + source + event("order", "string id = 1;")), "Placed: its event_key \"order\" is no string field of it");
    EXPECT_EQ(fault_of(std::string(head) + source + event("id", "repeated string id = 1;")), "Placed: its event_key \"id\" is no string field of it");
}

}  // namespace
