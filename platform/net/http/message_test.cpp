#include "platform/net/http/message.hpp"

#include <gtest/gtest.h>

#include "platform/net/http/chunked.hpp"
#include "platform/net/http/serialize.hpp"

namespace bv::http {
namespace {

TEST(http_fields, look_up_ignores_case) {
    fields f;
    f.add("Content-Type", "a");
    f.add("X-One", "1");
    f.add("x-one", "2");
    EXPECT_EQ(f.get("content-type"), "a");
    EXPECT_EQ(f.get("X-ONE"), "1");
    EXPECT_FALSE(f.find("X-On"));
    f.set("X-One", "3");
    EXPECT_EQ(f.size(), 2u);
    EXPECT_EQ(f.get("x-one"), "3");
}

TEST(http_percent, decodes_and_encodes) {
    EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
    EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
    EXPECT_EQ(percent_decode("%E2%82%ac"), "\xe2\x82\xac");
    for (const char* bad : {"%", "%2", "%zz", "a%2"}) EXPECT_FALSE(percent_decode(bad)) << bad;
    EXPECT_EQ(percent_encode("a b/\xe2\x82\xac~"), "a%20b%2F%E2%82%AC~");
}

TEST(http_date, is_written_in_the_fixed_form) {
    EXPECT_EQ(imf_fixdate(time_point(seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(imf_fixdate(time_point(seconds(951782400))), "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST(http_serializer, refuses_fields_that_would_split_the_response) {
    EXPECT_TRUE(is_sendable({}));
    const auto with = [](std::string_view name, std::string_view value) {
        response r;
        r.headers.add(name, value);
        return is_sendable(r);
    };
    EXPECT_TRUE(with("X-Fine", "any text, even \xc3\xa9"));
    EXPECT_FALSE(with("X", "a\r\nY: b"));
    EXPECT_FALSE(with("X", "a\nb"));
    EXPECT_FALSE(with("X", std::string_view("a\0b", 3)));
    EXPECT_FALSE(with("X:", "a"));
    EXPECT_FALSE(with("", "a"));
    EXPECT_FALSE(is_sendable({.content_type = "text/html\r\nX: y"}));
    EXPECT_FALSE(is_sendable({.status = 42}));
}

TEST(http_chunks, are_decoded_however_they_are_cut_and_refused_when_malformed) {
    struct {
        const char *bytes, *body;  // null: malformed
    } const cases[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"A\r\n0123456789\r\n00\r\n\r\n", "0123456789"},
        {"1;a=b;c=\"d\"\r\nx\r\n0;z\r\nT: 1\r\nU:\r\n\r\n", "x"},
        {"1 \t\r\nx\r\n0\r\n\r\n", "x"},
        {"1\nx\n0\n\n", nullptr},
        {"1\r\nxy\r\n0\r\n\r\n", nullptr},
        {"1\r\nx0\r\n\r\n", nullptr},
        {"\r\n", nullptr},
        {"-1\r\n", nullptr},
        {"1 1\r\nx\r\n", nullptr},
        {"0x1\r\nx\r\n", nullptr},
        {"1111111111111111\r\n", nullptr},
        {"1;a\nb\r\nx\r\n", nullptr},
        {"0\r\nbad trailer\r\n\r\n", nullptr},
        {"0\r\n folded\r\n\r\n", nullptr},
        {"0\r\nT: a\nb\r\n\r\n", nullptr},
        {"0\r\n\r\r", nullptr},
    };
    for (const auto& c : cases)
        for (const std::size_t step : {1, 3, 1000}) {
            chunk_decoder d;
            std::string body;
            std::string_view rest = c.bytes;
            while (!rest.empty() && !d.done() && !d.malformed()) {
                const auto piece = rest.substr(0, step);
                rest.remove_prefix(d.put(piece, body, 100));
            }
            EXPECT_EQ(d.done(), c.body != nullptr) << c.bytes;
            EXPECT_EQ(d.malformed(), c.body == nullptr) << c.bytes;
            if (c.body != nullptr) {
                EXPECT_EQ(body, c.body);
            }
        }
}

TEST(http_chunks, an_endless_extension_is_refused) {
    chunk_decoder d;
    std::string body;
    d.put("1;" + std::string(1000, 'a'), body, 100);
    EXPECT_TRUE(d.malformed());
}

TEST(http_chunks, the_limit_holds_across_chunks) {
    chunk_decoder d;
    std::string body;
    d.put("5\r\nhello\r\n6\r\n", body, 10);
    EXPECT_TRUE(d.too_large());
}

}  // namespace
}  // namespace bv::http
