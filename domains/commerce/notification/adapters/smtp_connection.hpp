// One connection to an SMTP server: commands and replies, in plain text or under TLS.
//
// Every call throws failure UNAVAILABLE "MAIL_SERVER_AWAY" when the connection breaks or what comes is not SMTP; the
// connection is then of no more use. Time-outs are the caller's (with_deadline).
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "domains/commerce/notification/adapters/smtp_reply.hpp"
#include "platform/core/task.hpp"

namespace bv::notification {

class smtp_connection {
public:
    explicit smtp_connection(const asio::any_io_executor& e) : socket_(e), resolver_(e) {}
    smtp_connection(const smtp_connection&) = delete;
    smtp_connection& operator=(const smtp_connection&) = delete;

    task<void> connect(std::string host, std::uint16_t port);
    // TLS handshake; the peer must prove to be `host`. Refused when the peer has sent anything since its last reply: that
    // would be text smuggled in before the encryption (CVE-2011-0411).
    task<void> secure(asio::ssl::context&, std::string host);
    task<smtp_reply> read_reply();
    // Sends a line (without its CRLF) and reads the reply.
    task<smtp_reply> command(std::string line);
    // Sends bytes as they are and reads the reply.
    task<smtp_reply> send(std::string bytes);
    [[nodiscard]] bool is_secure() const noexcept { return tls_ != nullptr; }

private:
    using tcp = asio::ip::tcp;
    tcp::socket socket_;
    tcp::resolver resolver_;
    std::unique_ptr<asio::ssl::stream<tcp::socket&>> tls_;
    std::string in_;  // received, not yet read
    smtp_reply_reader reader_;
};

}  // namespace bv::notification
