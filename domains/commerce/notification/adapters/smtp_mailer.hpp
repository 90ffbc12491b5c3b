// A mailer that hands mails to an SMTP server (RFC 5321), a relay as a rule: one connection a batch, one transaction a mail.
//
//   EHLO, [STARTTLS (RFC 3207), EHLO], [AUTH PLAIN (RFC 4954, 4616)], then MAIL, RCPT, DATA for each mail, QUIT
//
// What the server writes goes into no error, only its code: it may repeat the address.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "domains/commerce/notification/adapters/mail_message.hpp"
#include "platform/core/clock.hpp"

namespace bv::notification {

enum class smtp_security : unsigned char {
    none,      // plain text: for a relay on the same machine
    starttls,  // port 587; a server that does not offer it is refused
    tls,       // port 465
};

struct smtp_options {
    std::string host = "localhost";
    std::uint16_t port = 25;
    smtp_security security = smtp_security::none;
    std::string ca_file{};                 // PEM; empty: the system's authorities
    std::string user{}, password{};        // AUTH PLAIN; empty: none. Only under TLS
    std::string hello = "localhost";       // how this client names itself
    milliseconds connect_timeout{10'000};  // for finding and connecting, and again for TLS
    milliseconds command_timeout{30'000};  // for each reply
};

class smtp_mailer final : public mailer {
public:
    // Throws failure INVALID_ARGUMENT "SMTP_OPTIONS": credentials without TLS, control characters in an option, an
    // authority that cannot be read.
    smtp_mailer(smtp_options, mail_sender, clock&);

    // A 5xx answer to RCPT or to the message is final, FAILED_PRECONDITION "MAIL_REFUSED"; anything else may be tried
    // again: a server that refuses the sender or the log-in is set up wrongly, and that is no fault of the mail.
    task<std::vector<result<void>>> send(std::vector<mail>, steady_point deadline) override;

private:
    struct session;
    smtp_options options_;
    mail_sender from_;
    clock& clock_;
    std::unique_ptr<asio::ssl::context> tls_;
};

}  // namespace bv::notification
