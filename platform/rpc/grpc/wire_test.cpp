#include "platform/rpc/grpc/wire.hpp"

#include <gtest/gtest.h>

#include "platform/rpc/grpc/status.hpp"

namespace bv::rpc::grpc {
namespace {

using std::chrono::nanoseconds;

TEST(grpc_wire, messages_are_found_in_any_cut) {
    const std::string bytes = frame("first", false) + frame("", false) + frame("third", false);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        message_reader reader("", 100);
        std::vector<std::string> found;
        for (const auto& piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
            reader.put(piece);
            while (true) {
                auto next = reader.next();
                ASSERT_TRUE(next);
                if (!*next) break;
                found.push_back(**next);
            }
        }
        EXPECT_EQ(found, (std::vector<std::string>{"first", "", "third"}));
        EXPECT_TRUE(reader.empty());
    }
}

TEST(grpc_wire, compressed_messages_are_read_and_bounded_by_what_they_hold) {
    const std::string text(10'000, 'x');
    const auto framed = frame(text, true);
    EXPECT_LT(framed.size(), 200u);
    EXPECT_EQ(framed[0], 1);
    message_reader reader("gzip", 10'000);
    reader.put(framed);
    EXPECT_EQ(*reader.next(), std::optional(text));
    message_reader narrow("gzip", 9'999);
    narrow.put(framed);
    EXPECT_EQ(narrow.next().error().reason, "MESSAGE_TOO_LARGE");
    EXPECT_EQ(frame("short", true)[0], 0);  // it would grow
}

TEST(grpc_wire, frames_that_nobody_may_send_are_refused) {
    const auto reason = [](std::string_view encoding, std::string bytes) {
        message_reader reader(encoding, 10);
        reader.put(bytes);
        return reader.next().error().reason;
    };
    EXPECT_EQ(reason("", std::string("\2\0\0\0\0", 5)), "MALFORMED_FRAME");
    EXPECT_EQ(reason("", std::string("\1\0\0\0\0", 5)), "MALFORMED_FRAME");
    EXPECT_EQ(reason("snappy", std::string("\1\0\0\0\0", 5)), "UNKNOWN_ENCODING");
    EXPECT_EQ(reason("", std::string("\0\0\0\0\13", 5)), "MESSAGE_TOO_LARGE");
}

TEST(grpc_wire, timeouts) {
    EXPECT_EQ(parse_timeout("5S"), nanoseconds(5'000'000'000));
    EXPECT_EQ(parse_timeout("100m"), nanoseconds(100'000'000));
    EXPECT_EQ(parse_timeout("1n"), nanoseconds(1));
    EXPECT_GT(parse_timeout("99999999H"), nanoseconds(0));
    for (const char* bad : {"", "5", "S", "-1S", "5s", "123456789S", "1.5S", " 1S"}) EXPECT_FALSE(parse_timeout(bad)) << bad;
    for (const std::int64_t ns : {1ll, 99'999'999ll, 100'000'000ll, 30'000'000'000ll, 9'000'000'000'000'000ll}) {
        const auto back = parse_timeout(format_timeout(nanoseconds(ns)));
        ASSERT_TRUE(back);
        EXPECT_LE(back->count(), ns);
        EXPECT_GT(back->count(), ns - ns / 1000 - 1);
    }
    EXPECT_EQ(format_timeout(nanoseconds(-5)), "1n");
}

TEST(grpc_wire, texts_and_bytes_survive_metadata) {
    const std::string text = "naïve 100% \r\n \t";
    const auto sent = encode_text(text);
    for (const char c : sent) EXPECT_TRUE(c >= ' ' && c <= '~');
    EXPECT_EQ(decode_text(sent), text);
    EXPECT_EQ(decode_text("50%"), "50%");
    EXPECT_EQ(decode_text("%zz"), "%zz");
    for (std::size_t n = 0; n < 10; ++n) {
        const auto bytes = std::string("\0\xff\x10 abcdef", 10).substr(0, n);
        EXPECT_EQ(decode_binary(encode_binary(bytes)), bytes);
        EXPECT_EQ(decode_binary(encode_binary(bytes) + std::string((3 - n % 3) % 3, '=')), bytes);
    }
    EXPECT_FALSE(decode_binary("YWJj==")) << "padding where none belongs";
    EXPECT_FALSE(decode_binary("a b"));
}

TEST(grpc_status, an_error_survives_the_way) {
    error e{code::invalid_argument, "BAD_LINES", "größer als 5", {{"lines[0].quantity", "must be at most 5"}, {"note", "too long"}}, milliseconds(1'250)};
    http::fields fields;
    add_status(fields, e);
    EXPECT_EQ(fields.get("grpc-status"), "3");
    const auto back = status_of(fields, 200);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->code, e.code);
    EXPECT_EQ(back->reason, e.reason);
    EXPECT_EQ(back->message, e.message);
    ASSERT_EQ(back->violations.size(), 2u);
    EXPECT_EQ(back->violations[0].field, "lines[0].quantity");
    EXPECT_EQ(back->violations[1].description, "too long");
    EXPECT_EQ(back->retry_after, milliseconds(1'250));
}

TEST(grpc_status, an_error_fits_into_what_clients_take_of_fields) {
    error e{code::invalid_argument, "INVALID_ARGUMENT", "", {}, {}};
    for (int i = 0; i < 1'200; ++i) {
        e.violations.push_back({"lines[" + std::to_string(i) + "].sku", "there is no product \"größer\""});
        e.message += e.violations.back().field + ": " + e.violations.back().description + "; ";
    }
    http::fields fields;
    add_status(fields, e);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < fields.size(); ++i) bytes += fields.at(i).first.size() + fields.at(i).second.size() + 32;
    EXPECT_LT(bytes, 8'192u);
    const auto back = status_of(fields, 200);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->reason, "INVALID_ARGUMENT");
    EXPECT_TRUE(e.message.starts_with(std::string_view(back->message).substr(0, back->message.size() - std::string_view("…").size())));
    ASSERT_GT(back->violations.size(), 20u);
    EXPECT_EQ(back->violations[20].field, "lines[20].sku");
}

TEST(grpc_status, an_answer_without_one_is_an_error) {
    EXPECT_FALSE(status_of(ok_trailers(), 200));
    EXPECT_EQ(status_of({}, 200)->code, code::internal);
    EXPECT_EQ(status_of({}, 503)->code, code::unavailable);
    http::fields odd;
    odd.add("grpc-status", "99");
    EXPECT_EQ(status_of(odd, 200)->code, code::unknown);
}

}  // namespace
}  // namespace bv::rpc::grpc
