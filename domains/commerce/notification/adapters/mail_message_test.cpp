#include "domains/commerce/notification/adapters/mail_message.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>

namespace bv::notification {
namespace {

mail a_mail() {
    return {*notice_id::parse("01900000-0000-8000-8000-000000000001"), *parse_rfc3339("2026-01-31T09:30:05Z"), "ann@example.org", "Ann Example",
            "Your order is confirmed", "Hello,\n\nall is well.\n"};
}

TEST(mail_message, is_an_internet_message) {
    EXPECT_EQ(*render(a_mail(), mail_sender{}),
              "Date: Sat, 31 Jan 2026 09:30:05 +0000\r\n"
              "From: \"BitVelocity\" <orders@bitvelocity.example>\r\n"
              "To: \"Ann Example\" <ann@example.org>\r\n"
              "Message-ID: <01900000-0000-8000-8000-000000000001@notifications.bitvelocity.example>\r\n"
              "Subject: Your order is confirmed\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=UTF-8\r\n"
              "Content-Transfer-Encoding: 7bit\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "\r\n"
              "Hello,\r\n\r\nall is well.\r\n");
}

TEST(mail_message, refuses_line_ends_in_the_subject_and_in_addresses) {
    for (const char* bad : {"a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\tb"}) {
        auto m = a_mail();
        m.subject = bad;
        EXPECT_EQ(render(m, {}).error().reason, "HEADER_UNSAFE") << bad;
    }
    for (const char* bad : {"", "ann", "@example.org", "ann@", "a@b@c", "ann@example.org\r\nRCPT TO:<eve@example.org>", "ann@exa mple.org",
                            "<ann@example.org>", "ann@example.org\n", "änn@example.org", "\"ann\"@example.org", "ann,eve@example.org"}) {
        auto m = a_mail();
        m.to = bad;
        const auto refused = render(m, {});
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().reason, "ADDRESS_UNUSABLE");
        EXPECT_EQ(refused.error().code, code::invalid_argument);
        EXPECT_EQ(refused.error().message.find("example"), std::string::npos);
    }
    EXPECT_EQ(render(a_mail(), {.address = "shop@example.org>\r\nX: y"}).error().reason, "SENDER_UNUSABLE");
}

TEST(mail_message, a_display_name_cannot_add_headers) {
    auto m = a_mail();
    m.to_name = "Ann\r\nBcc: eve@example.org";
    const auto text = *render(m, {});
    EXPECT_EQ(text.find("\r\nBcc"), text.npos);
    m.to_name = "Ann \"the\\ one\"";
    EXPECT_NE(render(m, {})->find("To: \"Ann \\\"the\\\\ one\\\"\" <ann@example.org>\r\n"), std::string::npos);
    m.to_name = "";
    EXPECT_NE(render(m, {})->find("To: <ann@example.org>\r\n"), std::string::npos);
    m.to_name = "Änn";
    EXPECT_NE(render(m, {})->find("To: =?UTF-8?B?w4Rubg==?=\r\n <ann@example.org>\r\n"), std::string::npos);
}

TEST(mail_message, encodes_a_subject_that_is_not_ascii) {
    EXPECT_EQ(encoded_header("Zahlung über 5 €"), "=?UTF-8?B?WmFobHVuZyDDvGJlciA1IOKCrA==?=");
    EXPECT_EQ(encoded_header("plain"), "plain");
    EXPECT_NE(encoded_header("=?UTF-8?B?eA==?="), "=?UTF-8?B?eA==?=");  // would be read as another text
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "€";
    const auto folded = encoded_header(lines);
    std::size_t words = 0;
    for (std::size_t at = 0; at < folded.size(); ++words) {
        const auto end = std::min(folded.find("\r\n ", at), folded.size());
        EXPECT_LE(end - at, 75u);
        EXPECT_TRUE(folded.substr(at, end - at).starts_with("=?UTF-8?B?4oKs"));  // every word begins with a whole character
        at = end + 3;
    }
    EXPECT_EQ(words, 4u);
}

std::string decoded(std::string_view quoted) {
    std::string out;
    for (std::size_t i = 0; i < quoted.size(); ++i) {
        if (quoted[i] != '=') out += quoted[i];
        else if (quoted.substr(i + 1, 2) == "\r\n") i += 2;
        else out += static_cast<char>(std::strtol(std::string(quoted.substr(i + 1, 2)).c_str(), nullptr, 16)), i += 2;
    }
    return out;
}

TEST(mail_message, quoted_printable_gives_back_any_text_in_short_ascii_lines) {
    EXPECT_EQ(quoted_printable("a=b é \n"), "a=3Db =C3=A9=20\r\n");
    EXPECT_TRUE(rc::check([](const std::string& text) {
        const auto quoted = quoted_printable(text);
        std::string expected;
        for (const char c : text)
            if (c == '\n') expected += "\r\n";
            else if (c != '\r') expected += c;
        if (!expected.ends_with("\r\n")) expected += "\r\n";
        RC_ASSERT(decoded(quoted) == expected);
        std::size_t column = 0;
        for (const char c : quoted) {
            column = c == '\n' ? 0 : column + 1;
            RC_ASSERT(column <= 77u);  // 76 and the CR
            RC_ASSERT(c == '\r' || c == '\n' || c == '\t' || (c >= ' ' && c < 0x7F));
        }
    }));
}

TEST(mail_message, text_that_is_long_or_not_ascii_is_sent_quoted) {
    auto m = a_mail();
    m.text = "Total: 5 €\n";
    EXPECT_NE(render(m, {})->find("quoted-printable\r\n"), std::string::npos);
    m.text = std::string(100, 'x') + "\n";
    EXPECT_NE(render(m, {})->find("quoted-printable\r\n"), std::string::npos);
}

}  // namespace
}  // namespace bv::notification
