#include "platform/net/http/tls.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <semaphore>
#include <thread>

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/core/error.hpp"
#include "platform/net/http/client.hpp"
#include "platform/net/http/raw_client.hpp"
#include "platform/testing/certificate.hpp"

namespace bv::http {
namespace {

using ::bv::testing::certificate;
using testing::running_server;

tls_files files_of(const certificate& c) { return {c.chain(), c.key()}; }

task<void> stream(body_writer& out) {
    for (int i = 0; i < 3; ++i) co_await out.write(std::string(50'000, 'x'));
}
task<response> echo(request& r) {
    response out{.content_type = "text/plain"};
    if (r.path() == "/stream") out.stream = stream;
    else out.body = (r.secure ? "secure " : "plain ") + r.body;
    co_return out;
}

class http_tls : public ::testing::Test {
protected:
    http_tls() { runtime_.start(); }
    ~http_tls() override {
        client_.reset();
        runtime_.stop();
        runtime_.join();
    }
    std::string failure_of() {
        try {
            runtime_.block_on(client_->send({}));
        } catch (const failure& e) {
            return e.error().reason;
        }
        return {};
    }
    bv::runtime runtime_{1};
    std::optional<client> client_;
};

TEST_F(http_tls, client_and_server_speak_over_it) {
    const certificate own("IP:127.0.0.1");
    running_server s(echo, {.max_body_bytes = 4 * 1024 * 1024, .tls = files_of(own)});
    client_.emplace(client_options{.port = s.port(), .tls = true, .ca_file = own.chain()});
    const std::string big(2 * 1024 * 1024, 'y');
    EXPECT_EQ(runtime_.block_on(client_->send({.verb = verb::post, .body = big})).body, "secure " + big);
    EXPECT_EQ(runtime_.block_on(client_->send({.target = "/stream"})).body.size(), 150'000u);
    EXPECT_EQ(s.server().connections(), 1u);
}

// Another's server: it answers one request a connection, and takes leave of it (close_notify) when it is told to, which ours does not.
class polite_peer {
public:
    explicit polite_peer(const certificate& own) : context_(server_tls(files_of(own))), fd_(::socket(AF_INET, SOCK_STREAM, 0)), thread_([this] { run(); }) {}
    ~polite_peer() {
        ::shutdown(fd_, SHUT_RDWR);
        told_.release(2);
        thread_.join();
        ::close(fd_);
    }
    std::uint16_t port() { return port_.get_future().get(); }
    void take_leave() {
        told_.release();
        left_.acquire();
    }

private:
    void run() {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof at;
        ::bind(fd_, reinterpret_cast<const sockaddr*>(&at), length);
        ::listen(fd_, 2);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length);
        port_.set_value(ntohs(at.sin_port));
        for (int i = 0; i < 2; ++i) {
            const int c = ::accept(fd_, nullptr, nullptr);
            const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_->native_handle()), SSL_free);
            SSL_set_fd(ssl.get(), c);
            char in[4096];
            constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            if (SSL_accept(ssl.get()) == 1 && SSL_read(ssl.get(), in, sizeof in) > 0) SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
            told_.acquire();
            if (c < 0) return;
            SSL_shutdown(ssl.get());
            left_.release();
            ::close(c);
        }
    }
    std::unique_ptr<asio::ssl::context> context_;
    int fd_;
    std::promise<std::uint16_t> port_;
    std::counting_semaphore<> told_{0}, left_{0};
    std::thread thread_;
};

// A POST on a connection that the server has taken leave of would be lost, and may not be sent again.
TEST_F(http_tls, a_connection_that_the_server_has_taken_leave_of_is_not_used_again) {
    const certificate own("IP:127.0.0.1");
    polite_peer peer(own);
    client_.emplace(client_options{.port = peer.port(), .tls = true, .ca_file = own.chain()});
    for (int i = 0; i < 2; ++i) {
        try {
            EXPECT_EQ(runtime_.block_on(client_->send({.verb = verb::post, .body = "x"})).body, "ok");
        } catch (const failure& e) {
            FAIL() << e.error().reason;
        }
        peer.take_leave();
    }
}

TEST_F(http_tls, a_client_refuses_another_name_or_authority) {
    const certificate own("IP:127.0.0.2"), other("IP:127.0.0.1");
    running_server s(echo, {.tls = files_of(own)});
    client_.emplace(client_options{.port = s.port(), .tls = true, .ca_file = own.chain()});
    EXPECT_EQ(failure_of(), "CONNECT_FAILED") << "another name";
    client_.emplace(client_options{.port = s.port(), .tls = true, .ca_file = other.chain()});
    EXPECT_EQ(failure_of(), "CONNECT_FAILED") << "another authority";
}

TEST_F(http_tls, a_handshake_that_never_comes_is_ended) {
    const certificate own("IP:127.0.0.1");
    server_options o;
    o.tls = files_of(own);
    o.header_timeout = milliseconds(60);
    running_server s(echo, o);
    testing::raw_client silent(s.port());
    EXPECT_TRUE(silent.at_end());
}

TEST_F(http_tls, plain_http_is_told_to_come_with_tls) {
    const certificate own("IP:127.0.0.1");
    running_server s(echo, {.tls = files_of(own)});
    testing::raw_client plain(s.port());
    plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(plain.read().status, 400);
    EXPECT_TRUE(plain.at_end());
}

TEST_F(http_tls, a_client_may_know_the_peer_by_its_certificate_instead_of_its_name) {
    const certificate own("DNS:shop.example");
    running_server s(echo, {.tls = files_of(own)});
    const auto status = [&](bool any_name) {
        client c({.port = s.port(), .tls = true, .ca_file = own.chain(), .any_name = any_name});
        try {
            const auto answer = runtime_.block_on(c.send({}));
            return answer.status;
        } catch (const failure&) {
            return 0;
        }
    };
    EXPECT_EQ(status(false), 0);
    EXPECT_EQ(status(true), 200);
}

TEST_F(http_tls, negotiates_http_2_or_1_1_and_no_old_version) {
    const certificate own("IP:127.0.0.1");
    running_server s(echo, {.tls = files_of(own)});
    const auto handshake = [&](int version, const std::string& protocols) {
        testing::raw_client c(s.port());
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
        SSL_CTX_set_security_level(context.get(), 0);
        SSL_CTX_set_max_proto_version(context.get(), version);
        const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
        SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(protocols.data()), static_cast<unsigned>(protocols.size()));
        SSL_set_fd(ssl.get(), c.descriptor());
        if (SSL_connect(ssl.get()) != 1) return std::string("refused");
        const unsigned char* chosen = nullptr;
        unsigned length = 0;
        SSL_get0_alpn_selected(ssl.get(), &chosen, &length);
        return std::string(reinterpret_cast<const char*>(chosen), length);
    };
    EXPECT_EQ(handshake(TLS1_3_VERSION, "\x08http/1.1\x02h2"), "h2");
    EXPECT_EQ(handshake(TLS1_3_VERSION, "\x08http/1.1"), "http/1.1");
    EXPECT_EQ(handshake(TLS1_2_VERSION, ""), "");
    EXPECT_EQ(handshake(TLS1_2_VERSION, "\x02h2"), "h2");
    EXPECT_EQ(handshake(TLS1_2_VERSION, "\x02h3"), "refused");
    EXPECT_EQ(handshake(TLS1_1_VERSION, ""), "refused");
}

TEST_F(http_tls, says_which_file_cannot_be_used) {
    const certificate own("IP:127.0.0.1");
    auto files = files_of(own);
    files.private_key = "/no/such/key.pem";
    try {
        static_cast<void>(server_tls(files));
        FAIL();
    } catch (const failure& e) {
        EXPECT_EQ(e.error().reason, "TLS_FILES");
        EXPECT_NE(e.error().message.find("/no/such/key.pem"), std::string::npos);
    }
}

}  // namespace
}  // namespace bv::http
