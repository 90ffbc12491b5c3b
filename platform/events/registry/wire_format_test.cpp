#include "platform/events/registry/wire_format.hpp"

#include <gtest/gtest.h>

namespace bv::events::registry {
namespace {

using namespace std::string_literals;
using indexes = std::vector<std::int32_t>;

TEST(wire_format, is_what_confluents_clients_write) {
    EXPECT_EQ(frame_prefix(1, indexes{0}), "\x00\x00\x00\x00\x01\x00"s);          // the first message: one byte
    EXPECT_EQ(frame_prefix(0x01020304, indexes{1}), "\x00\x01\x02\x03\x04\x02\x02"s);
    EXPECT_EQ(frame_prefix(7, indexes{1, 0}), "\x00\x00\x00\x00\x07\x04\x02\x00"s);  // the example of its documentation: [1, 0] is 2, 1, 0
    EXPECT_EQ(frame_prefix(7, indexes{100}), "\x00\x00\x00\x00\x07\x02\xc8\x01"s);
}

TEST(wire_format, is_read_back) {
    for (const auto& message : {indexes{0}, indexes{1}, indexes{0, 0}, indexes{3, 200, 70'000}}) {
        const auto value = frame_prefix(INT32_MAX, message) + "payload";
        ASSERT_TRUE(is_framed(value));
        const auto read = unframe(value);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->schema, INT32_MAX);
        EXPECT_EQ(read->message, message);
        EXPECT_EQ(read->payload, "payload");
    }
    EXPECT_EQ(unframe(frame_prefix(1, indexes{0}))->payload, "");  // a message without fields has no bytes
}

TEST(wire_format, is_told_from_a_message) {
    EXPECT_FALSE(is_framed(""));
    EXPECT_FALSE(is_framed("\x0a\x01x"));  // field 1
}

TEST(wire_format, that_is_none_is_refused) {
    for (const auto& value : {"\0"s, "\0\0\0\0\1"s, "\0\0\0\0\1\2"s, "\0\0\0\0\1\1"s, "\0\0\0\0\1\xff\xff\xff\xff\xff\xff"s, "\0\0\0\0\1\x84\x01"s, "\0\0\0\0\1\2\1"s}) {
        const auto read = unframe(value);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().reason, "MALFORMED_FRAME");
    }
}

}  // namespace
}  // namespace bv::events::registry
