#include "domains/commerce/notification/adapters/smtp_reply.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace bv::notification {
namespace {

using state = smtp_reply_reader::state;

TEST(smtp_reply, is_read_in_pieces_of_any_size) {
    const std::string text = "250-first line\r\n250-SIZE 100\r\n250\r\n220 next";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        smtp_reply_reader r;
        std::size_t at = 0;
        while (r.where() == state::more && at < text.size()) at += r.put(std::string_view(text).substr(at, piece));
        ASSERT_EQ(r.where(), state::done) << piece;
        EXPECT_EQ(text.substr(at), "220 next");
        const auto reply = r.take();
        EXPECT_EQ(reply.code, 250);
        EXPECT_EQ(reply.lines, (std::vector<std::string>{"first line", "SIZE 100", ""}));
        EXPECT_EQ(r.where(), state::more);
    }
}

TEST(smtp_reply, that_is_none_is_refused) {
    for (const char* text : {"hello\r\n", "99 low\r\n", "600 high\r\n", "25a x\r\n", "250+ok\r\n", "250-a\r\n251 b\r\n", "\r\n"}) {
        smtp_reply_reader r;
        r.put(text);
        EXPECT_EQ(r.where(), state::malformed) << text;
    }
    smtp_reply_reader endless;
    endless.put("250 " + std::string(10'000, 'x'));
    EXPECT_EQ(endless.where(), state::malformed);
    smtp_reply_reader many;
    for (int i = 0; i < 1'000; ++i) many.put("250-x\r\n");
    EXPECT_EQ(many.where(), state::malformed);
}

TEST(smtp_reply, tells_what_is_offered) {
    const smtp_reply ehlo{250, {"STARTTLS is my name", "size 100", "AUTH LOGIN plain"}};
    EXPECT_FALSE(offers(ehlo, "STARTTLS"));
    EXPECT_TRUE(offers(ehlo, "SIZE"));
    EXPECT_TRUE(offers(ehlo, "auth", "PLAIN"));
    EXPECT_FALSE(offers(ehlo, "AUTH", "CRAM-MD5"));
    EXPECT_FALSE(offers(ehlo, "AUT"));
}

TEST(smtp_data, doubles_leading_dots_and_ends_with_one) {
    EXPECT_EQ(smtp_data("a\r\n.\r\n..b\r\nc.\r\n"), "a\r\n..\r\n...b\r\nc.\r\n.\r\n");
    EXPECT_EQ(smtp_data("no end"), "no end\r\n.\r\n");
    EXPECT_EQ(smtp_data(""), ".\r\n");
}

TEST(smtp_data, ends_only_at_its_end) {
    EXPECT_TRUE(rc::check([] {
        std::string message;
        for (const auto& line : *rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(rc::gen::elementOf(std::string(".ab")))))
            message += line + "\r\n";
        const auto sent = smtp_data(message);
        RC_ASSERT(("\r\n" + sent).find("\r\n.\r\n") == sent.size() - 3);
    }));
}

}  // namespace
}  // namespace bv::notification
