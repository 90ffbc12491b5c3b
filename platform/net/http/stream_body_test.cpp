// Request bodies that a handler reads piece by piece: back-pressure, limits, early answers.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <fcntl.h>

#include "platform/net/http/raw_client.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::http {
namespace {

using testing::raw_client;
using testing::running_server;

// What the handlers saw, and a gate between two pieces.
struct seen {
    std::atomic<std::size_t> bytes{0}, pieces{0}, largest{0};
    std::atomic<bool> whole{false};
    std::shared_ptr<waiter> release = waiter::make();
};

task<response> read_all(seen& s, body_reader& body) {
    while (true) {
        const auto piece = co_await body.read();
        if (!piece) co_return response{.body = "broken: " + piece.error().message};
        if (!*piece) break;
        ++s.pieces;
        s.bytes += (*piece)->size();
        s.largest = std::max(s.largest.load(), (*piece)->size());
    }
    s.whole = true;
    co_return response{.body = std::to_string(s.bytes)};
}

task<response> serve(seen& s, request& r, body_reader& body) {
    if (r.path() == "/held") co_await s.release->wait();
    if (r.path() == "/refused") co_return response{.status = 403, .body = "no"};
    if (r.path() == "/first") {
        const auto piece = co_await body.read();
        co_return response{.body = piece && *piece ? "first" : "none"};
    }
    if (r.path() == "/throws") throw std::runtime_error("a bug");
    co_return co_await read_all(s, body);
}

task<response> serve_whole(request& r) { co_return response{.body = "whole " + std::to_string(r.body.size())}; }

struct world {
    explicit world(std::uint64_t most = 1 << 20, server_options o = {})
        : stream{most, [this](request& r, body_reader& body) { return serve(what, r, body); }}, server(serve_whole, with_stream(std::move(o))) {}
    seen what;
    body_stream stream;
    running_server server;

private:
    server_options with_stream(server_options o) {
        o.max_body_bytes = 16;
        o.streams = [this](const request& r) { return r.path() == "/whole" ? nullptr : &stream; };
        return o;
    }
};

std::string head(const std::string& path, const std::string& framing) { return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n\r\n"; }

TEST(http_streamed_body, of_a_length_arrives_whole_and_the_connection_goes_on) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/", "Content-Length: 100000") + std::string(60'000, 'a'));
    c.send(std::string(40'000, 'b') + "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(c.read().body, "100000");
    EXPECT_EQ(c.read().body, "whole 0");
    EXPECT_GT(w.what.pieces, 1u);
}

TEST(http_streamed_body, in_chunks_is_decoded_whatever_the_cuts) {
    world w;
    raw_client c(w.server.port());
    const std::string message = head("/", "Transfer-Encoding: chunked") + "5\r\nhello\r\n1;x=y\r\n,\r\n6\r\n world\r\n0\r\nT: v\r\n\r\n";
    for (const char byte : message) c.send({&byte, 1});
    EXPECT_EQ(c.read().body, "12");
    c.send(message);
    EXPECT_EQ(c.read().body, "24");
}

TEST(http_streamed_body, others_are_read_whole_within_their_own_limit) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/whole", "Content-Length: 4") + "1234");
    EXPECT_EQ(c.read().body, "whole 4");
    c.send(head("/whole", "Content-Length: 17"));
    EXPECT_EQ(c.read().status, 413);
}

// What the handler does not take stays with the client: its socket fills up.
TEST(http_streamed_body, nothing_is_read_before_the_handler_asks) {
    world w(1ULL << 30);
    raw_client c(w.server.port());
    c.send(head("/held", "Content-Length: 100000000"));
    ASSERT_EQ(::fcntl(c.descriptor(), F_SETFL, O_NONBLOCK), 0);
    const std::string block(1 << 16, 'x');
    std::size_t sent = 0;
    int full = 0;
    while (full < 100 && sent < 100'000'000) {
        const auto n = ::send(c.descriptor(), block.data(), std::min<std::size_t>(block.size(), 100'000'000 - sent), MSG_NOSIGNAL);
        if (n > 0) sent += static_cast<std::size_t>(n), full = 0;
        else ++full, std::this_thread::sleep_for(milliseconds(1));  // the kernel's buffers fill in their own time
    }
    EXPECT_LT(sent, 50'000'000u) << "the rest waits";
    w.what.release->wake();
    ::fcntl(c.descriptor(), F_SETFL, 0);
    while (sent < 100'000'000) {
        const auto n = std::min<std::size_t>(block.size(), 100'000'000 - sent);
        ASSERT_TRUE(c.send(std::string_view(block).substr(0, n)));
        sent += n;
    }
    EXPECT_EQ(c.read().body, "100000000");
    EXPECT_LE(w.what.largest, 256u * 1024) << "no more than a read at a time is held";
}

TEST(http_streamed_body, beyond_its_limit_is_413) {
    world w(1'000);
    {
        raw_client c(w.server.port());
        c.send(head("/", "Content-Length: 1001"));
        EXPECT_EQ(c.read().status, 413) << "at once, by its length";
    }
    raw_client c(w.server.port());
    c.send(head("/", "Transfer-Encoding: chunked") + "1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n" + std::string(501, 'a') + "\r\n0\r\n\r\n");
    const auto a = c.read();
    EXPECT_EQ(a.status, 413);
    EXPECT_TRUE(a.has("Connection: close"));
    EXPECT_FALSE(w.what.whole);
    raw_client exact(w.server.port());
    exact.send(head("/", "Transfer-Encoding: chunked") + "1f4\r\n" + std::string(500, 'a') + "\r\n1f4\r\n" + std::string(500, 'a') + "\r\n0\r\n\r\n");
    EXPECT_EQ(exact.read().status, 200);
}

TEST(http_streamed_body, that_is_malformed_is_400_whatever_the_handler_says) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/", "Transfer-Encoding: chunked") + "5\r\nhello\r\nzz\r\n");
    EXPECT_EQ(c.read().status, 400);
    EXPECT_FALSE(w.what.whole);
}

TEST(http_streamed_body, that_does_not_come_on_is_408) {
    server_options o;
    o.body_timeout = milliseconds(60);
    world w(1'000, o);
    raw_client c(w.server.port());
    c.send(head("/", "Content-Length: 10") + "12345");
    const auto a = c.read();
    EXPECT_EQ(a.status, 408);
    EXPECT_TRUE(a.has("Connection: close"));
}

TEST(http_streamed_body, that_drips_for_too_long_is_408) {
    server_options o;
    o.stream_timeout = milliseconds(100);
    world w(1 << 20, o);
    raw_client c(w.server.port());
    c.send(head("/", "Content-Length: 100000"));
    std::atomic<bool> over{false};
    std::thread drip([&] {
        while (!over && c.send("x")) std::this_thread::sleep_for(milliseconds(5));
    });
    const auto a = c.read();
    over = true;
    drip.join();
    EXPECT_EQ(a.status, 408);
}

TEST(http_streamed_body, whose_client_leaves_ends_with_an_error) {
    world w;
    {
        raw_client c(w.server.port());
        c.send(head("/", "Content-Length: 10") + "12345");
        while (w.what.bytes < 5) std::this_thread::yield();
    }
    w.server.drain(milliseconds(5'000));
    EXPECT_FALSE(w.what.whole);
}

TEST(http_streamed_body, is_invited_when_the_handler_asks_for_it) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/", "Expect: 100-continue\r\nContent-Length: 5"));
    EXPECT_EQ(c.read().status, 100);
    c.send("hello");
    EXPECT_EQ(c.read().body, "5");
}

TEST(http_streamed_body, is_not_invited_when_the_handler_refuses_it) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/refused", "Expect: 100-continue\r\nContent-Length: 500000"));
    const auto a = c.read();
    EXPECT_EQ(a.status, 403);
    EXPECT_TRUE(a.has("Connection: close")) << "whether the body follows is not known";
}

TEST(http_streamed_body, that_is_not_read_is_dropped_when_it_is_there_and_else_ends_the_connection) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/refused", "Content-Length: 5") + "hello" + head("/refused", "Content-Length: 500000") + "hello");
    const auto whole = c.read();
    EXPECT_EQ(whole.status, 403);
    EXPECT_FALSE(whole.has("Connection: close"));
    const auto part = c.read();
    EXPECT_EQ(part.status, 403);
    EXPECT_TRUE(part.has("Connection: close"));
    c.send(std::string(400'000, 'x'));  // what is on its way does not cost the client its answer
}

TEST(http_streamed_body, may_be_left_in_the_middle) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/first", "Content-Length: 500000") + "hello");
    const auto a = c.read();
    EXPECT_EQ(a.body, "first");
    EXPECT_TRUE(a.has("Connection: close"));
}

TEST(http_streamed_body, of_a_handler_that_throws_is_500) {
    world w;
    raw_client c(w.server.port());
    c.send(head("/throws", "Content-Length: 5") + "hello");
    EXPECT_EQ(c.read().status, 500);
}

}  // namespace
}  // namespace bv::http
