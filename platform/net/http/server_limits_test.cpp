// Time-outs, connection limits and draining.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/net/http/raw_client.hpp"

namespace bv::http {
namespace {

using testing::raw_client;
using testing::running_server;

// Holds requests for /held until released. The handlers run on the server's thread.
class gate {
public:
    handler handle() {
        return [this](request& r) { return run(*this, r); };
    }
    void wait_for_one() const {
        while (!held_) std::this_thread::yield();
    }
    void release(bv::runtime& r) {
        asio::post(r.context(0), [this] {
            if (timer_) timer_->cancel();
        });
    }
    [[nodiscard]] bool aborted() const { return aborted_; }

private:
    static task<response> run(gate& g, request& r) {
        if (r.path() == "/held") {
            // In the coroutine, which ends with the server: the gate outlives the server's runtime.
            asio::steady_timer timer(co_await asio::this_coro::executor, steady_point::max());
            g.timer_ = &timer;
            g.held_ = true;
            boost::system::error_code ignored;
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            g.timer_ = nullptr;
            g.aborted_ = (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
        }
        co_return response{.body = std::string(r.target)};
    }
    asio::steady_timer* timer_ = nullptr;
    std::atomic<bool> held_{false}, aborted_{false};
};

server_options hasty() {
    server_options o;
    o.header_timeout = o.body_timeout = o.idle_timeout = milliseconds(60);
    return o;
}

TEST(http_server_time, a_slow_header_is_answered_408_though_bytes_keep_coming) {
    gate g;
    running_server s(g.handle(), hasty());
    raw_client c(s.port());
    c.send("GET / HTTP/1.1\r\nHost: x\r\n");
    std::atomic<bool> over{false};
    std::thread drip([&] {
        while (!over && c.send("X: y\r\n")) std::this_thread::sleep_for(milliseconds(5));
    });
    const auto a = c.read();
    over = true;
    drip.join();
    EXPECT_EQ(a.status, 408);
    EXPECT_TRUE(a.has("Connection: close"));
}

TEST(http_server_time, a_slow_body_is_answered_408) {
    gate g;
    running_server s(g.handle(), hasty());
    raw_client c(s.port());
    c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    EXPECT_EQ(c.read().status, 408);
    EXPECT_TRUE(c.at_end());
}

TEST(http_server_time, idle_connections_are_closed_without_a_word) {
    gate g;
    running_server s(g.handle(), hasty());
    raw_client silent(s.port()), idle(s.port());
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(idle.read().status, 200);
    EXPECT_TRUE(idle.at_end());
    EXPECT_TRUE(silent.at_end());
}

TEST(http_server_time, a_handler_may_take_longer_than_the_connections_limits) {
    gate g;
    running_server s(g.handle(), hasty());
    raw_client c(s.port()), other(s.port());
    c.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    g.wait_for_one();
    EXPECT_TRUE(other.at_end());  // so the limits have passed
    g.release(s.runtime());
    EXPECT_EQ(c.read().body, "/held");
}

TEST(http_server_time, a_peer_that_reads_nothing_is_dropped) {
    server_options o;
    o.write_timeout = milliseconds(60);
    struct flood {
        static task<void> pour(body_writer& out) {
            while (co_await out.write(std::string(1024 * 1024, 'x'))) {}
        }
        static task<response> run(request&) {
            response r;
            r.stream = pour;
            co_return r;
        }
    };
    running_server s(flood::run, o);
    raw_client c(s.port());
    c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (s.server().connections() == 0) std::this_thread::yield();
    while (s.server().connections() != 0) std::this_thread::yield();
    SUCCEED();
}

TEST(http_server_limits, connections_beyond_the_limit_are_answered_503) {
    gate g;
    server_options o;
    o.max_connections_per_core = 2;
    running_server s(g.handle(), o);
    raw_client a(s.port()), b(s.port());
    for (auto* c : {&a, &b}) {
        c->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(c->read().status, 200);
    }
    raw_client third(s.port());
    const auto answer = third.read();
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.has("Retry-After"));
    third.close();
    a.close();
    while (s.server().connections() != 1) std::this_thread::yield();
    raw_client fourth(s.port());
    fourth.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(fourth.read().status, 200);
}

TEST(http_server_drain, closes_idle_connections_and_lets_requests_in_hand_finish) {
    gate g;
    running_server s(g.handle());
    raw_client idle(s.port()), busy(s.port());
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(idle.read().status, 200);
    busy.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    g.wait_for_one();
    std::thread drain([&] { s.drain(seconds(20)); });
    EXPECT_TRUE(idle.at_end());
    g.release(s.runtime());
    const auto a = busy.read();
    EXPECT_EQ(a.body, "/held");
    EXPECT_TRUE(a.has("Connection: close"));
    EXPECT_TRUE(busy.at_end());
    busy.close();
    drain.join();
    EXPECT_EQ(s.server().connections(), 0u);
    EXPECT_FALSE(raw_client(s.port()).connected());
}

TEST(http_server_drain, cancels_what_is_left_after_the_grace) {
    gate g;
    running_server s(g.handle());
    raw_client busy(s.port());
    busy.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    g.wait_for_one();
    s.drain(milliseconds(10));
    EXPECT_TRUE(g.aborted());
    EXPECT_EQ(s.server().connections(), 0u);
    EXPECT_EQ(busy.read().status, 0);
}

TEST(http_server_drain, a_request_half_read_is_still_answered) {
    gate g;
    running_server s(g.handle());
    raw_client c(s.port()), idle(s.port());
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(idle.read().status, 200);
    c.send("POST /half HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(c.read().status, 100);
    std::thread drain([&] { s.drain(seconds(20)); });
    EXPECT_TRUE(idle.at_end());
    c.send("ab");
    EXPECT_EQ(c.read().body, "/half");
    c.close();
    drain.join();
}

}  // namespace
}  // namespace bv::http
