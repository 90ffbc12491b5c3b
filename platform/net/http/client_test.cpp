#include "platform/net/http/client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/raw_client.hpp"

namespace bv::http {
namespace {

using testing::running_server;

// A peer that answers with exact bytes: one script per connection, one entry per request; a null entry closes instead.
class scripted_peer {
public:
    explicit scripted_peer(std::vector<std::vector<const char*>> connections)
        : connections_(std::move(connections)), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at);
        ::listen(fd_, 16);
        socklen_t length = sizeof at;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length);
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~scripted_peer() {
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int requests() const { return requests_; }
    [[nodiscard]] int closed() const { return closed_; }  // connections
    [[nodiscard]] std::string last() const { return last_; }  // once the client has its answer

private:
    void run() {
        for (const auto& script : connections_) {
            const int c = ::accept(fd_, nullptr, nullptr);
            if (c < 0) return;
            const timeval patience{20, 0};
            ::setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            for (const char* bytes : script) {
                std::string in;
                char piece[4096];
                while (in.find("\r\n\r\n") == std::string::npos) {
                    const auto n = ::recv(c, piece, sizeof piece, 0);
                    if (n <= 0) break;
                    in.append(piece, static_cast<std::size_t>(n));
                }
                if (in.empty()) break;
                last_ = in;
                ++requests_;
                if (bytes == nullptr) break;
                ::send(c, bytes, std::strlen(bytes), MSG_NOSIGNAL);
            }
            ::close(c);
            ++closed_;
        }
    }
    std::vector<std::vector<const char*>> connections_;
    int fd_;
    std::uint16_t port_ = 0;
    std::atomic<int> requests_{0}, closed_{0};
    std::string last_;
    std::thread thread_;
};

class http_client : public ::testing::Test {
protected:
    http_client() { runtime_.start(); }
    ~http_client() override {
        client_.reset();
        runtime_.stop();
        runtime_.join();
    }
    void connect(std::uint16_t port, client_options o = {}) {
        o.port = port;
        client_.emplace(std::move(o));
    }
    client_response send(client_request r) { return runtime_.block_on(client_->send(std::move(r))); }
    client_response get(std::string target = "/") { return send({.target = std::move(target)}); }
    // The reason of the failure; empty: none.
    std::string failure_of(client_request r) {
        try {
            send(std::move(r));
        } catch (const failure& e) {
            return e.error().reason;
        }
        return {};
    }

    bv::runtime runtime_{1};
    std::optional<client> client_;
};

task<void> stream_twice(body_writer& out) {
    co_await out.write("a");
    co_await out.write(std::string(100'000, 'b'));
}
task<response> echo(request& r) {
    response out{.content_type = "text/plain"};
    out.headers.add("X-Connection", r.headers.get("X-Custom"));
    if (r.path() == "/stream") out.stream = stream_twice;
    else if (r.path() == "/none") out.status = 204;
    else if (r.path() == "/close") out.headers.add("Connection", "close");
    else out.body = fmt::format("{} {} {}", r.verb_text, r.target, r.body);
    co_return out;
}

constexpr const char* ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(http_client, speaks_to_our_server) {
    running_server s(echo);
    connect(s.port());
    EXPECT_EQ(get("/a?b=c").body, "GET /a?b=c ");
    client_request r{.verb = verb::post, .target = "/p", .body = R"({"a":1})"};
    r.headers.add("X-Custom", "yes");
    const auto a = send(r);
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.body, R"(POST /p {"a":1})");
    EXPECT_EQ(a.headers.get("x-connection"), "yes");
    EXPECT_EQ(send({.verb = verb::head, .target = "/h"}).headers.get("Content-Length"), "8");
    EXPECT_EQ(get("/none").status, 204);
    EXPECT_EQ(get("/stream").body.size(), 100'001u);
    EXPECT_EQ(get("/close").status, 200);
    EXPECT_EQ(get("/after").body, "GET /after ");
}

TEST_F(http_client, keeps_one_connection_for_requests_in_turn) {
    running_server s(echo);
    connect(s.port());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(get().status, 200);
    EXPECT_EQ(s.server().connections(), 1u);
}

TEST_F(http_client, sends_a_big_body_and_reads_a_big_answer) {
    running_server s(echo, {.max_body_bytes = 8 * 1024 * 1024});
    connect(s.port());
    const std::string big(6 * 1024 * 1024, 'x');
    EXPECT_EQ(send({.verb = verb::put, .target = "/", .body = big}).body, "PUT / " + big);
}

TEST_F(http_client, reads_the_answer_to_a_body_that_was_refused_early) {
    running_server s(echo, {.max_body_bytes = 1000});
    connect(s.port());
    EXPECT_EQ(send({.verb = verb::post, .target = "/", .body = std::string(2 * 1024 * 1024, 'x')}).status, 413);
}

TEST_F(http_client, notices_that_an_idle_connection_was_closed) {
    // The peer closes after its first answer without saying so; the second request may not be lost, whatever its verb.
    scripted_peer peer({{ok}, {ok}});
    connect(peer.port());
    EXPECT_EQ(send({.verb = verb::post}).status, 200);
    while (peer.closed() == 0) std::this_thread::yield();
    EXPECT_EQ(send({.verb = verb::post}).status, 200);
    EXPECT_EQ(peer.requests(), 2);
}

TEST_F(http_client, sends_an_idempotent_request_again_when_a_reused_connection_is_lost) {
    scripted_peer peer({{ok, nullptr}, {ok}});
    connect(peer.port());
    EXPECT_EQ(get().status, 200);
    EXPECT_EQ(get().status, 200);
    EXPECT_EQ(peer.requests(), 3);
}

TEST_F(http_client, never_sends_a_post_again) {
    scripted_peer peer({{ok, nullptr}, {ok}});
    connect(peer.port());
    EXPECT_EQ(get().status, 200);
    EXPECT_EQ(failure_of({.verb = verb::post}), "ANSWER_LOST");
    EXPECT_EQ(peer.requests(), 2);
    EXPECT_EQ(get().status, 200);
}

TEST_F(http_client, does_not_send_again_what_a_new_connection_lost) {
    scripted_peer peer({{nullptr}, {ok}});
    connect(peer.port());
    EXPECT_EQ(failure_of({}), "ANSWER_LOST");
    EXPECT_EQ(peer.requests(), 1);
    EXPECT_EQ(get().status, 200);
}

TEST_F(http_client, does_not_send_again_once_the_answer_has_begun) {
    scripted_peer peer({{ok, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, {ok}});
    connect(peer.port());
    EXPECT_EQ(get().status, 200);
    EXPECT_EQ(failure_of({}), "ANSWER_LOST");
    EXPECT_EQ(peer.requests(), 2);
    EXPECT_EQ(get().status, 200);
}

TEST_F(http_client, says_that_it_could_not_connect) {
    std::uint16_t free_port;
    {
        running_server s(echo);
        free_port = s.port();
    }
    connect(free_port);
    EXPECT_EQ(failure_of({}), "CONNECT_FAILED");
}

task<response> never(request&) {
    asio::steady_timer timer(co_await asio::this_coro::executor, steady_point::max());
    co_await timer.async_wait(asio::use_awaitable);
    co_return response{};
}

TEST_F(http_client, gives_up_at_the_deadline) {
    running_server s(never);
    connect(s.port());
    EXPECT_EQ(failure_of({.deadline = system_clock().steady_now() + milliseconds(30)}), "DEADLINE_EXCEEDED");
    connect(s.port(), {.timeout = milliseconds(30)});
    EXPECT_EQ(failure_of({}), "DEADLINE_EXCEEDED");
}

TEST_F(http_client, waits_for_a_place_until_the_deadline) {
    running_server s(never);
    connect(s.port(), {.max_connections_per_core = 1});
    std::thread first([&] { EXPECT_EQ(failure_of({.deadline = system_clock().steady_now() + milliseconds(300)}), "DEADLINE_EXCEEDED"); });
    while (s.server().connections() == 0) std::this_thread::yield();
    EXPECT_EQ(failure_of({.deadline = system_clock().steady_now() + milliseconds(30)}), "DEADLINE_EXCEEDED");
    EXPECT_EQ(s.server().connections(), 1u);
    first.join();
}

TEST_F(http_client, shares_a_bounded_number_of_connections_among_many_requests) {
    running_server s(echo);
    connect(s.port(), {.max_connections_per_core = 2});
    std::vector<std::thread> threads;
    std::atomic<int> answered{0};
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 10; ++k) answered += get().status == 200;
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(answered, 160);
    EXPECT_LE(s.server().connections(), 2u);
}

TEST_F(http_client, close_ends_idle_connections) {
    running_server s(echo);
    connect(s.port());
    EXPECT_EQ(get().status, 200);
    struct closing {
        static task<void> run(client& c) {
            c.close();
            co_return;
        }
    };
    runtime_.block_on(closing::run(*client_));
    while (s.server().connections() != 0) std::this_thread::yield();
    EXPECT_EQ(get().status, 200);
}

TEST_F(http_client, understands_every_framing) {
    struct {
        const char *what, *bytes, *body;
    } const cases[] = {
        {"interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\nT: x\r\n\r\n", "ok"},
        {"until close", "HTTP/1.1 200 OK\r\n\r\nok", "ok"},
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok", "ok"},
        {"no reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "ok"},
        {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", ""},
    };
    for (const auto& c : cases) {
        scripted_peer peer({{c.bytes}});
        connect(peer.port());
        EXPECT_EQ(get().body, c.body) << c.what;
    }
}

TEST_F(http_client, refuses_malformed_answers) {
    const std::string long_line = "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n";
    const char* const cases[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        long_line.c_str(),
    };
    for (const auto* bytes : cases) {
        scripted_peer peer({{bytes}});
        connect(peer.port());
        EXPECT_EQ(failure_of({}), "ANSWER_LOST") << std::string_view(bytes).substr(0, 100);
    }
}

TEST_F(http_client, bounds_the_answer) {
    for (const char* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n01234567890",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"}) {
        scripted_peer peer({{bytes}});
        connect(peer.port(), {.max_body_bytes = 10});
        EXPECT_EQ(failure_of({}), "ANSWER_TOO_LARGE") << bytes;
    }
}

TEST_F(http_client, never_reuses_a_connection_with_bytes_nobody_asked_for) {
    scripted_peer peer({{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"}, {ok}});
    connect(peer.port());
    EXPECT_EQ(get().body, "ok");
    EXPECT_EQ(get().body, "ok");
}

TEST_F(http_client, refuses_requests_that_would_be_two) {
    connect(1);
    EXPECT_EQ(failure_of({.target = "/ HTTP/1.1\r\nX: y"}), "INVALID_REQUEST");
    EXPECT_EQ(failure_of({.target = "relative"}), "INVALID_REQUEST");
    client_request r;
    r.headers.add("X", "a\r\nY: b");
    EXPECT_EQ(failure_of(r), "INVALID_REQUEST");
    EXPECT_EQ(failure_of({.verb = verb::post, .body = "x", .content_type = "a\nb"}), "INVALID_REQUEST");
}

TEST_F(http_client, says_whom_it_speaks_to) {
    scripted_peer peer({{ok}});
    connect(peer.port());
    get();
    EXPECT_NE(peer.last().find(fmt::format("\r\nHost: 127.0.0.1:{}\r\n", peer.port())), std::string::npos) << peer.last();
}

}  // namespace
}  // namespace bv::http
