#include "domains/commerce/notification/adapters/smtp_mailer.hpp"

#include <algorithm>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "domains/commerce/notification/adapters/smtp_connection.hpp"
#include "platform/core/error.hpp"
#include "platform/runtime/deadline.hpp"

namespace bv::notification {

namespace {

constexpr int send_message = 354;
constexpr int closing = 421;  // the server ends the connection (RFC 5321 section 3.8)

[[noreturn]] void throw_refused(std::string_view step, int answer) {
    throw failure(code::unavailable, "MAIL_SERVER_REFUSED", fmt::format("the mail server answered {} to {}", answer, step));
}

void require(const smtp_reply& r, std::string_view step) {
    if (!r.is_positive()) throw_refused(step, r.code);
}

std::unique_ptr<asio::ssl::context> make_tls(const smtp_options& o) {
    if (o.security == smtp_security::none) return nullptr;
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    boost::system::error_code ec;
    if (o.ca_file.empty()) context->set_default_verify_paths(ec);
    else context->load_verify_file(o.ca_file, ec);
    if (ec) throw failure(code::invalid_argument, "SMTP_OPTIONS", "cannot use the certificate authority " + o.ca_file + ": " + ec.message());
    context->set_verify_mode(asio::ssl::verify_peer);
    return context;
}

}  // namespace

// One connection, with every step under its time-out and the batch's deadline.
struct smtp_mailer::session {
    const smtp_mailer& owner;
    steady_point deadline;
    smtp_connection connection;

    session(const smtp_mailer& m, steady_point at, const asio::any_io_executor& e) : owner(m), deadline(at), connection(e) {}

    steady_point within(milliseconds timeout) const { return std::min(deadline, owner.clock_.steady_now() + timeout); }

    task<smtp_reply> ask(std::string line) {
        return with_deadline(owner.clock_, within(owner.options_.command_timeout), connection.command(std::move(line)));
    }
    task<smtp_reply> hand_over(std::string bytes) {
        return with_deadline(owner.clock_, within(owner.options_.command_timeout), connection.send(std::move(bytes)));
    }
    task<void> secure() {
        return with_deadline(owner.clock_, within(owner.options_.connect_timeout), connection.secure(*owner.tls_, owner.options_.host));
    }

    task<void> open() {
        const auto& o = owner.options_;
        co_await with_deadline(owner.clock_, within(o.connect_timeout), connection.connect(o.host, o.port));
        if (o.security == smtp_security::tls) co_await secure();
        require(co_await with_deadline(owner.clock_, within(o.command_timeout), connection.read_reply()), "connect");
        auto offered = co_await ask("EHLO " + o.hello);
        require(offered, "EHLO");
        if (o.security == smtp_security::starttls) {
            if (!offers(offered, "STARTTLS"))
                throw failure(code::unavailable, "MAIL_SERVER_REFUSED", "the mail server does not offer STARTTLS, which the options ask for");
            require(co_await ask("STARTTLS"), "STARTTLS");
            co_await secure();
            offered = co_await ask("EHLO " + o.hello);  // what was offered in plain text does not count
            require(offered, "EHLO");
        }
        if (o.user.empty()) co_return;
        if (!offers(offered, "AUTH", "PLAIN"))
            throw failure(code::unavailable, "MAIL_SERVER_REFUSED", "the mail server does not offer AUTH PLAIN, which the options ask for");
        require(co_await ask("AUTH PLAIN " + base64(std::string(1, '\0') + o.user + '\0' + o.password)), "AUTH");
    }

    // The answer of a step of one mail. Final: 5xx where it is about the mail and not about the server.
    static result<void> judged(const smtp_reply& r, std::string_view step, bool about_the_mail) {
        if (r.code == closing) throw_refused(step, r.code);
        if (r.is_positive()) return {};
        const auto text = fmt::format("the mail server answered {} to {}", r.code, step);
        if (about_the_mail && r.is_permanent()) return fail(code::failed_precondition, "MAIL_REFUSED", text);
        return fail(code::unavailable, "MAIL_DEFERRED", text);
    }

    task<result<void>> transfer(std::string to, std::string message) {
        auto step = judged(co_await ask("MAIL FROM:<" + owner.from_.address + ">"), "MAIL", false);
        if (step) step = judged(co_await ask("RCPT TO:<" + to + ">"), "RCPT", true);
        if (step) {
            const auto go_on = co_await ask("DATA");
            step = judged(go_on, "DATA", false);
            if (step && go_on.code != send_message) throw_refused("DATA", go_on.code);  // it would take the text for commands
        }
        if (step) co_return judged(co_await hand_over(smtp_data(message)), "the message", true);
        require(co_await ask("RSET"), "RSET");
        co_return step;
    }

    // One mail. False: the connection is of no more use.
    task<bool> deliver(const mail& m, result<void>& out) {
        auto message = render(m, owner.from_);
        if (!message) {
            out = std::unexpected(std::move(message.error()));
            co_return true;
        }
        try {
            out = co_await transfer(m.to, std::move(*message));
        } catch (const failure& f) {
            out = std::unexpected(f.error());
            co_return false;
        }
        co_return true;
    }

    task<void> close() {
        try {
            co_await ask("QUIT");
        } catch (const failure&) {
            // It was for politeness: the mails are delivered already.
        }
    }
};

smtp_mailer::smtp_mailer(smtp_options o, mail_sender from, clock& c) : options_(std::move(o)), from_(std::move(from)), clock_(c) {
    if (!options_.user.empty() && options_.security == smtp_security::none)
        throw failure(code::invalid_argument, "SMTP_OPTIONS", "credentials are only sent under TLS; set the security to starttls or tls");
    for (const auto* text : {&options_.hello, &options_.host, &from_.address, &options_.user, &options_.password})
        if (std::ranges::any_of(*text, [](char ch) { return static_cast<unsigned char>(ch) < 0x20 || ch == 0x7F; }))
            throw failure(code::invalid_argument, "SMTP_OPTIONS", "an option of the mail server has control characters");
    tls_ = make_tls(options_);
}

task<std::vector<result<void>>> smtp_mailer::send(std::vector<mail> mails, steady_point deadline) {
    std::vector<result<void>> out(mails.size(), fail(code::unavailable, "MAIL_NOT_TRIED", "the connection to the mail server ended before this mail's turn"));
    session s(*this, deadline, co_await asio::this_coro::executor);
    bool open = true;
    try {
        co_await s.open();
    } catch (const failure& f) {
        out.assign(mails.size(), std::unexpected(f.error()));
        open = false;
    }
    for (std::size_t i = 0; open && i < mails.size(); ++i) {
        if (clock_.steady_now() >= deadline) {
            for (; i < mails.size(); ++i) out[i] = fail(code::deadline_exceeded, "MAIL_NOT_TRIED", "the time for the batch was over before this mail's turn");
            break;
        }
        open = co_await s.deliver(mails[i], out[i]);
    }
    if (open) co_await s.close();
    co_return out;
}

}  // namespace bv::notification
