#include "platform/net/http/server.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/raw_client.hpp"

namespace bv::http {
namespace {

using testing::raw_client;
using testing::running_server;

task<void> stream_pieces(body_writer& out) {
    for (const char* piece : {"one,", "two,", "three"})
        if (!co_await out.write(piece)) co_return;
}
task<void> stream_then_fail(body_writer& out) {
    co_await out.write("half");
    throw std::runtime_error("the source broke");
}
task<void> fail_at_once(body_writer&) {
    throw std::runtime_error("no source");
    co_return;
}

// Says what it was asked; special paths do special things.
task<response> echo(request& r) {
    response out{.content_type = "text/plain"};
    if (r.path() == "/stream") out.stream = stream_pieces;
    else if (r.path() == "/stream-fails") out.stream = stream_then_fail;
    else if (r.path() == "/stream-fails-at-once") out.stream = fail_at_once;
    else if (r.path() == "/throws") throw std::runtime_error("a bug");
    else if (r.path() == "/splits") out.headers.add("Location", "/a\r\nSet-Cookie: stolen=1");
    else if (r.path() == "/empty") out.status = 204;
    else if (r.path() == "/big") out.body.assign(4 * 1024 * 1024, 'x');
    else if (r.path() == "/closes") out.headers.add("Connection", "close"), out.body = "bye";
    else if (r.path() == "/framed") out.headers.add("Content-Length", "999"), out.body = "mine";
    else out.body = fmt::format("{} {} {}", r.verb_text, r.target, r.body);
    co_return out;
}

TEST(http_server, answers_on_one_connection_again_and_again) {
    running_server s(echo);
    raw_client c(s.port());
    for (int i = 0; i < 3; ++i) {
        c.send(fmt::format("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", i));
        const auto a = c.read();
        EXPECT_EQ(a.status, 200);
        EXPECT_EQ(a.body, fmt::format("GET /{} ", i));
        EXPECT_TRUE(a.has("\r\nDate: "));
        EXPECT_FALSE(a.has("Connection:"));
    }
}

TEST(http_server, answers_pipelined_requests_in_order) {
    running_server s(echo);
    raw_client c(s.port());
    std::string all;
    for (int i = 0; i < 100; ++i) all += fmt::format("POST /{} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", i);
    c.send(all);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(c.read().body, fmt::format("POST /{} ab", i));
}

TEST(http_server, reads_a_request_that_comes_byte_by_byte) {
    running_server s(echo);
    raw_client c(s.port());
    for (const char byte : std::string("\r\nPUT /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
        c.send(std::string_view(&byte, 1));
    EXPECT_EQ(c.read().body, "PUT /slow abc");
}

TEST(http_server, an_earlier_answer_does_not_wait_for_a_later_requests_handler) {
    // The first answer must come while the second handler waits for the test.
    bv::runtime* owner = nullptr;
    std::shared_ptr<asio::steady_timer> gate;
    std::atomic<bool> waiting{false};
    struct gated {
        static task<response> run(request& r, std::shared_ptr<asio::steady_timer>& g, std::atomic<bool>& w) {
            if (r.path() == "/second") {
                g = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, steady_point::max());
                w = true;
                boost::system::error_code ignored;
                co_await g->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
            co_return response{.body = r.target};
        }
    };
    running_server s([&](request& r) { return gated::run(r, gate, waiting); });
    owner = &s.runtime();
    raw_client c(s.port());
    c.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(c.read().body, "/first");
    while (!waiting) std::this_thread::yield();
    asio::post(owner->context(0), [&] { gate->cancel(); });
    EXPECT_EQ(c.read().body, "/second");
}

TEST(http_server, keeps_or_closes_the_connection_as_version_and_header_say) {
    struct {
        const char *version, *connection;
        bool kept;
        const char* said;
    } const cases[] = {
        {"1.1", "", true, ""},
        {"1.1", "Connection: close\r\n", false, "Connection: close"},
        {"1.1", "Connection: Keep-Alive, Close\r\n", false, "Connection: close"},
        {"1.0", "", false, "Connection: close"},
        {"1.0", "Connection: keep-alive\r\n", true, "Connection: keep-alive"},
    };
    running_server s(echo);
    for (const auto& k : cases) {
        SCOPED_TRACE(std::string(k.version) + " " + k.connection);
        raw_client c(s.port());
        const auto request = fmt::format("GET / HTTP/{}\r\nHost: x\r\n{}\r\n", k.version, k.connection);
        c.send(request);
        const auto a = c.read();
        EXPECT_EQ(a.status, 200);
        EXPECT_TRUE(a.has(k.said)) << a.head;
        if (k.kept) {
            c.send(request);
            EXPECT_EQ(c.read().status, 200);
        } else {
            EXPECT_TRUE(c.at_end());
        }
    }
}

TEST(http_server, what_a_handler_makes_of_the_address_ends_with_its_request) {
    running_server s(+[](request& r) -> task<response> {
        if (const auto sent = r.headers.find("For")) r.remote_address = *sent;
        co_return response{.body = r.remote_address};
    });
    raw_client c(s.port());
    c.send("GET / HTTP/1.1\r\nHost: x\r\nFor: 192.0.2.7\r\n\r\n");
    EXPECT_EQ(c.read().body, "192.0.2.7");
    c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(c.read().body, "127.0.0.1");
}

TEST(http_server, closes_when_the_handler_says_so) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /closes HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(c.read().has("Connection: close"));
    EXPECT_TRUE(c.at_end());
}

TEST(http_server, answers_head_without_a_body_but_with_its_length) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(c.read(true).has("Content-Length: 8\r\n"));
    EXPECT_TRUE(c.read(true).has("Transfer-Encoding: chunked"));
    EXPECT_EQ(c.read().body, "GET /x ");
}

TEST(http_server, sends_no_length_with_204) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto a = c.read();
    EXPECT_EQ(a.status, 204);
    EXPECT_FALSE(a.has("Content-"));
    EXPECT_EQ(c.read().status, 200);
}

TEST(http_server, says_100_continue_before_the_body_and_only_when_it_waits_for_it) {
    running_server s(echo);
    raw_client c(s.port());
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    c.send(head);
    EXPECT_EQ(c.read().status, 100);
    c.send("body");
    EXPECT_EQ(c.read().body, "POST / body");
    c.send(head + "body");
    EXPECT_EQ(c.read().body, "POST / body");
}

TEST(http_server, refuses_a_body_that_is_too_large_before_it_is_sent) {
    running_server s(echo, {.max_body_bytes = 10});
    raw_client c(s.port());
    c.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    EXPECT_EQ(c.read().status, 413);
    EXPECT_TRUE(c.at_end());
}

TEST(http_server, streams_in_chunks) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto a = c.read();
    EXPECT_TRUE(a.has("Transfer-Encoding: chunked"));
    EXPECT_FALSE(a.has("Content-Length"));
    EXPECT_EQ(a.body, "one,two,three");
    EXPECT_EQ(c.read().body, "GET /after ");
}

TEST(http_server, streams_to_the_end_of_the_connection_in_http_1_0) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto a = c.read();
    EXPECT_FALSE(a.has("chunked"));
    EXPECT_TRUE(a.has("Connection: close"));
    EXPECT_EQ(a.body, "one,two,three");
}

TEST(http_server, a_stream_that_fails_is_cut_short_not_ended) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /stream-fails HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(c.rest().find("0\r\n\r\n"), std::string::npos);
    raw_client d(s.port());
    d.send("GET /stream-fails-at-once HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(d.read().status, 500);
}

TEST(http_server, what_a_handler_throws_is_a_bare_500_and_the_connection_goes_on) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /throws HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto a = c.read();
    EXPECT_EQ(a.status, 500);
    EXPECT_EQ(a.body.find("a bug"), std::string::npos);
    EXPECT_EQ(c.read().status, 200);
}

TEST(http_server, refuses_to_split_the_response) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /splits HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto a = c.read();
    EXPECT_EQ(a.status, 500);
    EXPECT_FALSE(a.has("stolen"));
}

TEST(http_server, framing_is_the_servers_to_say) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /framed HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto a = c.read();
    EXPECT_FALSE(a.has("999"));
    EXPECT_EQ(a.body, "mine");
}

TEST(http_server, sends_and_receives_big_bodies) {
    running_server s(echo, {.max_body_bytes = 8 * 1024 * 1024});
    raw_client c(s.port());
    c.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(c.read().body.size(), 4u * 1024 * 1024);
    const std::string big(5 * 1024 * 1024, 'y');
    c.send(fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", big.size()) + big);
    EXPECT_EQ(c.read().body, "POST / " + big);
}

TEST(http_server, answers_a_client_that_has_finished_sending) {
    running_server s(echo);
    raw_client c(s.port());
    c.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    c.finish_sending();
    EXPECT_EQ(c.read().status, 200);
    EXPECT_TRUE(c.at_end());
}

TEST(http_server, its_own_errors_are_rendered_by_the_error_page) {
    server_options options;
    options.error_page = [](const request*, int status, std::string_view detail) {
        return response{.status = status, .content_type = "application/problem+json", .body = fmt::format(R"({{"detail":"{}"}})", detail)};
    };
    running_server s(echo, options);
    raw_client c(s.port());
    c.send("GET / HTTP/1.1\r\n\r\n");
    const auto a = c.read();
    EXPECT_EQ(a.status, 400);
    EXPECT_TRUE(a.has("application/problem+json"));
    EXPECT_EQ(a.body, R"({"detail":"HTTP/1.1 needs a Host"})");
}

TEST(http_server, serves_from_every_core) {
    running_server s(echo, {}, 2);
    for (int i = 0; i < 16; ++i) {
        raw_client c(s.port());
        c.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(c.read().status, 200);
    }
}

TEST(http_server, says_which_port_is_taken) {
    running_server first(echo);
    bv::runtime runtime(1);
    server second(runtime, {.port = first.port()}, echo);
    try {
        second.start();
        FAIL() << "two servers share a port";
    } catch (const failure& e) {
        EXPECT_EQ(e.error().reason, "PORT_TAKEN");
        EXPECT_NE(e.error().message.find(std::to_string(first.port())), std::string::npos);
    }
}

}  // namespace
}  // namespace bv::http
