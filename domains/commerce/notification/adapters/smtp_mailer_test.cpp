#include "domains/commerce/notification/adapters/smtp_mailer.hpp"

#include <gtest/gtest.h>

#include "domains/commerce/notification/adapters/smtp_test_server.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::notification {
namespace {

using testing::certificate;
using testing::smtp_test_server;
using lines = std::vector<std::string>;

class smtp_mailer_ : public ::testing::Test {
protected:
    smtp_mailer_() {
        cores.start();
        options.host = "127.0.0.1";
        options.port = server.port();
        peers.spawn(cores.context(0).get_executor(), server.run());
    }
    ~smtp_mailer_() override {
        peers.stop();
        cores.block_on(peers.join());
    }

    std::vector<result<void>> send(std::vector<mail> mails, clock& c = system_clock(), steady_point deadline = steady_point::max()) {
        smtp_mailer m(options, sender, c);
        return cores.block_on(m.send(std::move(mails), deadline));
    }
    // Of the first mail; code::ok when it was sent.
    error error_of(std::vector<mail> mails) {
        const auto out = send(std::move(mails));
        return out.at(0) ? error{.code = code::ok, .reason = "SENT"} : out[0].error();
    }
    void answers(std::string to, std::string with) {
        server.answer = [to, with](const std::string& line) { return line.starts_with(to) ? std::optional(with) : std::nullopt; };
    }

    runtime cores{1};
    scope peers{"test"};
    smtp_test_server server{cores.context(0).get_executor()};
    smtp_options options;
    mail_sender sender;
};

mail a_mail(std::string to = "ann@example.org") {
    return {*notice_id::parse("01900000-0000-8000-8000-000000000001"), *parse_rfc3339("2026-01-31T09:30:05Z"), std::move(to), "Ann", "Subject",
            "Hello,\n.\n..two\nbye\n"};
}

TEST_F(smtp_mailer_, goes_by_the_book) {
    EXPECT_EQ(error_of({a_mail()}).reason, "SENT");
    EXPECT_EQ(server.lines, (lines{"EHLO localhost", "MAIL FROM:<orders@bitvelocity.example>", "RCPT TO:<ann@example.org>", "DATA", "QUIT"}));
    ASSERT_EQ(server.messages.size(), 1u);
    EXPECT_EQ(server.messages[0], *render(a_mail(), sender));
}

TEST_F(smtp_mailer_, sends_a_batch_through_one_connection_and_refuses_mail_by_mail) {
    server.answer = [](const std::string& line) -> std::optional<std::string> {
        if (line == "RCPT TO:<gone@example.org>") return "550-5.1.1 no such user\r\n550 <gone@example.org>";
        if (line == "RCPT TO:<full@example.org>") return "452 full@example.org is over quota";
        return std::nullopt;
    };
    const auto out = send({a_mail(), a_mail("gone@example.org"), a_mail("full@example.org"), a_mail("bad address"), a_mail("bob@example.org")});
    EXPECT_TRUE(out[0]);
    EXPECT_EQ(out[1].error().reason, "MAIL_REFUSED");
    EXPECT_EQ(out[1].error().code, code::failed_precondition);
    EXPECT_EQ(out[1].error().message, "the mail server answered 550 to RCPT");  // and nothing that the server wrote
    EXPECT_EQ(out[2].error().reason, "MAIL_DEFERRED");
    EXPECT_EQ(out[2].error().code, code::unavailable);
    EXPECT_EQ(out[2].error().message.find('@'), std::string::npos);
    EXPECT_EQ(out[3].error().reason, "ADDRESS_UNUSABLE");
    EXPECT_TRUE(out[4]);
    EXPECT_EQ(server.connections, 1);
    EXPECT_EQ(server.messages.size(), 2u);
    EXPECT_EQ(std::ranges::count(server.lines, "RSET"), 2);
}

TEST_F(smtp_mailer_, an_answer_to_the_message_itself_counts) {
    answers("message", "554 looks like spam");
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_REFUSED");
    answers("message", "451 later");
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_DEFERRED");
}

TEST_F(smtp_mailer_, a_refused_sender_or_greeting_is_no_fault_of_the_mail) {
    for (const char* step : {"connect", "EHLO", "MAIL", "DATA"}) {
        answers(step, "554 no");
        const auto why = error_of({a_mail()});
        EXPECT_EQ(why.code, code::unavailable) << step;
    }
    EXPECT_TRUE(server.messages.empty());
}

TEST_F(smtp_mailer_, text_is_never_sent_where_commands_are_expected) {
    answers("DATA", "250 ok");
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_REFUSED");
    EXPECT_EQ(server.lines.back(), "DATA");
}

TEST_F(smtp_mailer_, a_server_that_hangs_up_leaves_the_rest_for_later) {
    answers("RCPT TO:<bob", "421 closing");
    const auto out = send({a_mail(), a_mail("bob@example.org"), a_mail("cy@example.org")});
    EXPECT_TRUE(out[0]);
    EXPECT_EQ(out[1].error().reason, "MAIL_SERVER_REFUSED");
    EXPECT_EQ(out[2].error().reason, "MAIL_NOT_TRIED");
    EXPECT_EQ(out[2].error().code, code::unavailable);
}

TEST_F(smtp_mailer_, a_server_that_is_away_or_speaks_another_protocol) {
    answers("connect", "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_AWAY");
    asio::ip::tcp::acceptor closed(cores.context(0), {asio::ip::address_v4::loopback(), 0});
    options.port = closed.local_endpoint().port();
    closed.close();
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_AWAY");
    EXPECT_EQ(error_of({a_mail()}).code, code::unavailable);
}

TEST_F(smtp_mailer_, a_silent_server_is_not_waited_for_for_ever) {
    answers("MAIL", "");
    options.command_timeout = milliseconds(20);
    EXPECT_EQ(error_of({a_mail()}).code, code::deadline_exceeded);
}

TEST_F(smtp_mailer_, nothing_is_begun_after_the_deadline) {
    const auto out = send({a_mail()}, system_clock(), system_clock().steady_now() - seconds(1));
    EXPECT_EQ(out[0].error().code, code::deadline_exceeded);
    EXPECT_TRUE(server.messages.empty());
}

TEST_F(smtp_mailer_, logs_in_under_starttls) {
    const certificate cert("IP:127.0.0.1");
    server.secured_by = &cert;
    options.security = smtp_security::starttls;
    options.ca_file = cert.chain();
    options.user = "shop";
    options.password = "secret";
    EXPECT_EQ(error_of({a_mail()}).reason, "SENT");
    EXPECT_EQ(server.lines, (lines{"EHLO localhost", "STARTTLS", "tls", "EHLO localhost", "AUTH PLAIN " + base64(std::string("\0shop\0secret", 12)),
                                   "MAIL FROM:<orders@bitvelocity.example>", "RCPT TO:<ann@example.org>", "DATA", "QUIT"}));
    EXPECT_EQ(server.messages.size(), 1u);
    answers("AUTH", "535 wrong");
    EXPECT_EQ(error_of({a_mail()}).code, code::unavailable);
}

TEST_F(smtp_mailer_, begins_with_tls_where_it_is_told_to) {
    const certificate cert("IP:127.0.0.1");
    server.secured_by = &cert;
    server.tls_at_once = true;
    options.security = smtp_security::tls;
    options.ca_file = cert.chain();
    EXPECT_EQ(error_of({a_mail()}).reason, "SENT");
    EXPECT_EQ(server.lines.front(), "tls");
}

TEST_F(smtp_mailer_, trusts_no_server_that_is_another_one) {
    const certificate other("DNS:elsewhere.example"), cert("IP:127.0.0.1");
    server.secured_by = &other;
    options.security = smtp_security::starttls;
    options.ca_file = other.chain();  // a trusted authority, the wrong name
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_AWAY");
    server.secured_by = &cert;        // the right name, another authority
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_AWAY");
    EXPECT_TRUE(server.messages.empty());
}

TEST_F(smtp_mailer_, sends_nothing_in_plain_text_when_tls_is_asked_for) {
    options.security = smtp_security::starttls;
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_REFUSED");
    EXPECT_EQ(server.lines, (lines{"EHLO localhost"}));
}

TEST_F(smtp_mailer_, refuses_text_smuggled_in_before_tls) {
    const certificate cert("IP:127.0.0.1");
    server.secured_by = &cert;
    answers("STARTTLS", "220 go on\r\n250 smuggled");
    options.security = smtp_security::starttls;
    options.ca_file = cert.chain();
    EXPECT_EQ(error_of({a_mail()}).reason, "MAIL_SERVER_AWAY");
    EXPECT_TRUE(server.messages.empty());
}

TEST_F(smtp_mailer_, no_address_adds_a_command) {
    const auto out = send({a_mail("ann@example.org>\r\nRCPT TO:<eve@example.org"), a_mail()});
    EXPECT_EQ(out[0].error().reason, "ADDRESS_UNUSABLE");
    EXPECT_TRUE(out[1]);
    for (const auto& line : server.lines) EXPECT_EQ(line.find("eve"), line.npos) << line;
}

TEST_F(smtp_mailer_, refuses_options_that_would_leak_or_inject) {
    options.user = "shop";
    EXPECT_THROW(smtp_mailer(options, sender, system_clock()), failure);
    options.user.clear();
    options.hello = "x\r\nMAIL";
    EXPECT_THROW(smtp_mailer(options, sender, system_clock()), failure);
    options.hello = "localhost";
    options.security = smtp_security::tls;
    options.ca_file = "/nowhere.pem";
    EXPECT_THROW(smtp_mailer(options, sender, system_clock()), failure);
}

}  // namespace
}  // namespace bv::notification
