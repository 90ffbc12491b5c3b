// A tiny SMTP server for tests: one connection after another, answers that a test can change, and a transcript.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "platform/core/task.hpp"
#include "platform/testing/certificate.hpp"

namespace bv::notification::testing {

using bv::testing::certificate;

// Used on one io_context's thread only.
class smtp_test_server {
public:
    explicit smtp_test_server(const asio::any_io_executor&);

    // The reply to a line, without its CRLF; nullopt: the usual one. "": none at all. Asked for "connect" and "message" too.
    std::function<std::optional<std::string>(const std::string& line)> answer;
    // Set to offer STARTTLS (or, with tls_at_once, to begin with it).
    const certificate* secured_by = nullptr;
    bool tls_at_once = false;

    std::vector<std::string> lines;     // what clients wrote, in order; "tls" where it began
    std::vector<std::string> messages;  // as received, dots unstuffed
    int connections = 0;

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    // Until the io_context ends.
    task<void> run();

private:
    struct peer;
    task<void> serve(peer&);
    task<void> secure(peer&);
    // Sends the usual reply or the one that the test wants, and leaves there which.
    task<bool> reply(peer&, std::string key, std::string& usual);
    asio::ip::tcp::acceptor acceptor_;
};

struct smtp_test_server::peer {
    asio::ip::tcp::socket socket;
    std::optional<asio::ssl::context> context{};
    std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls{};
    std::string in{};

    explicit peer(asio::ip::tcp::socket s) : socket(std::move(s)) {}

    task<std::string> read_until(std::string end) {
        std::size_t n = 0;
        if (tls) n = co_await asio::async_read_until(*tls, asio::dynamic_buffer(in), end, asio::use_awaitable);
        else n = co_await asio::async_read_until(socket, asio::dynamic_buffer(in), end, asio::use_awaitable);
        auto out = in.substr(0, n - end.size());
        in.erase(0, n);
        co_return out;
    }
    task<void> write(std::string text) {
        if (tls) co_await asio::async_write(*tls, asio::buffer(text), asio::use_awaitable);
        else co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    }
};

inline smtp_test_server::smtp_test_server(const asio::any_io_executor& e) : acceptor_(e, {asio::ip::address_v4::loopback(), 0}) {}

inline task<void> smtp_test_server::run() {
    for (;;) {
        peer p(co_await acceptor_.async_accept(asio::use_awaitable));
        ++connections;
        try {
            co_await serve(p);
        } catch (const boost::system::system_error&) {  // the client has gone
        }
    }
}

inline task<void> smtp_test_server::secure(peer& p) {
    p.context.emplace(asio::ssl::context::tls_server);
    p.context->use_certificate_chain_file(secured_by->chain());
    p.context->use_private_key_file(secured_by->key(), asio::ssl::context::pem);
    p.tls.emplace(p.socket, *p.context);
    co_await p.tls->async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    lines.push_back("tls");
}

// False: the server hangs up (421).
inline task<bool> smtp_test_server::reply(peer& p, std::string key, std::string& usual) {
    if (answer)
        if (auto changed = answer(key)) usual = std::move(*changed);
    if (!usual.empty()) co_await p.write(usual + "\r\n");
    co_return !usual.starts_with("421");
}

inline task<void> smtp_test_server::serve(peer& p) {
    if (tls_at_once) co_await secure(p);
    std::string greeting = "220 test ready", queued = "250 queued";
    if (!co_await reply(p, "connect", greeting)) co_return;
    for (;;) {
        const auto line = co_await p.read_until("\r\n");
        lines.push_back(line);
        const auto verb = line.substr(0, 4);
        std::string usual = "250 ok";
        if (verb == "EHLO") usual = std::string("250-test greets you\r\n250-SIZE 1000000\r\n") +
                                    (secured_by && !p.tls ? "250-STARTTLS\r\n" : "") + (p.tls ? "250-auth login plain\r\n" : "") + "250 HELP";
        if (verb == "DATA") usual = "354 go on";
        if (verb == "AUTH") usual = "235 welcome";
        if (verb == "STAR") usual = "220 go on";
        if (verb == "QUIT") usual = "221 bye";
        if (!co_await reply(p, line, usual)) co_return;
        if (verb == "QUIT") co_return;
        if (verb == "STAR") co_await secure(p);
        if (usual.starts_with("354")) {
            std::string message;
            for (auto text = co_await p.read_until("\r\n"); text != "."; text = co_await p.read_until("\r\n"))
                message += (text.starts_with('.') ? text.substr(1) : text) + "\r\n";
            messages.push_back(std::move(message));
            if (!co_await reply(p, "message", queued)) co_return;
        }
    }
}

}  // namespace bv::notification::testing
