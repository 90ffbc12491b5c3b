#include "platform/events/kafka/record.hpp"

#include <gtest/gtest.h>

namespace bv::events::kafka {
namespace {

event an_event() {
    event e{.position = 7, .source = "orders", .id = *uuid::parse("0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"), .type = "test.v1.Happened", .key = "order-1"};
    e.time = *parse_rfc3339("2026-03-04T05:06:07.000008Z");
    e.actor = "user:1";
    return e;
}

// Why a record with these headers is no event; empty: it is one.
std::string refusal(const headers& h) {
    const auto decoded = decode(h.get(), "payload");
    return decoded ? "" : decoded.error().message;
}

std::string refusal_with(const char* name, std::string_view value) {
    const auto h = headers_of(an_event());
    rd_kafka_header_remove(h.get(), name);
    if (!value.empty()) rd_kafka_header_add(h.get(), name, -1, value.data(), static_cast<ssize_t>(value.size()));
    return refusal(h);
}

TEST(a_record, is_the_event_that_was_sent) {
    const auto sent = an_event();
    const auto got = decode(headers_of(sent).get(), std::string_view("\0\xff", 2));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->position, 7);
    EXPECT_EQ(got->source, "orders");
    EXPECT_EQ(got->id, sent.id);
    EXPECT_EQ(got->time, sent.time);
    EXPECT_EQ(got->key, "order-1");
    EXPECT_EQ(got->actor, "user:1");
    EXPECT_EQ(got->payload, std::string_view("\0\xff", 2)) << "bytes as they are";
}

TEST(a_record, goes_on_from_the_span_of_its_sending_when_that_is_of_its_trace) {
    constexpr const char *own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", *sent = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
                         *foreign = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    auto e = an_event();
    e.traceparent = own;
    const auto got_with = [&e](const char* traceparent) {
        const auto h = headers_of(e);
        add_header(h, "traceparent", traceparent);
        return decode(h.get(), "").value().traceparent;
    };
    EXPECT_EQ(got_with(sent), sent);
    EXPECT_EQ(got_with(foreign), own);
    EXPECT_EQ(got_with("rubbish"), own);
}

TEST(a_record, says_what_it_lacks_to_be_an_event) {
    for (const auto* name : {"ce_position", "ce_type", "ce_source"}) EXPECT_NE(refusal_with(name, "").find("is missing"), std::string::npos) << name;
    for (const auto* wrong : {"0", "-1", "7x", "99999999999999999999"}) EXPECT_NE(refusal_with("ce_position", wrong).find("ce_position is no positive number"), std::string::npos) << wrong;
    EXPECT_NE(refusal_with("ce_id", "7").find("ce_id or ce_time"), std::string::npos);
    EXPECT_NE(refusal_with("ce_time", "").find("ce_id or ce_time"), std::string::npos);
    EXPECT_EQ(refusal_with("ce_subject", ""), "") << "an event may have no key";
}

// PostgreSQL takes neither as text: an event with such a key could not even be set aside, and would keep its partition waiting.
TEST(a_record, whose_attributes_no_database_takes_is_no_event) {
    for (const auto* name : {"ce_type", "ce_source", "ce_subject", "ce_actor", "ce_traceparent"}) {
        EXPECT_NE(refusal_with(name, "caf\xe9").find(std::string(name) + " is no text"), std::string::npos) << name;
        EXPECT_NE(refusal_with(name, std::string_view("a\0b", 3)).find(std::string(name) + " is no text"), std::string::npos) << name;
        EXPECT_EQ(refusal_with(name, "caf\xc3\xa9"), "") << name;
    }
}

}  // namespace
}  // namespace bv::events::kafka
