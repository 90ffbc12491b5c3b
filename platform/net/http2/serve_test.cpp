// HTTP/2 over real sockets: our client against our server, and bytes by hand where no client would send them.
#include "platform/net/http2/serve.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include <boost/asio/this_coro.hpp>

#include "platform/core/error.hpp"
#include "platform/net/http/client.hpp"
#include "platform/net/http/raw_client.hpp"
#include "platform/net/http2/client.hpp"
#include "platform/net/http2/client_stream.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::http2 {
namespace {

using http::request;
using http::response;
using http::testing::raw_client;
using http::testing::running_server;

std::atomic<int> cancelled_calls{0};

task<void> numbers(http::body_writer& out) {
    for (int i = 0; i < 64; ++i)
        if (!co_await out.write(std::string(16 * 1024, static_cast<char>('a' + i % 26)))) co_return;
    http::fields trailers;
    trailers.add("checked", "yes");
    out.finish_with(std::move(trailers));
}

task<response> answer(request& r) {
    response out{.content_type = "text/plain"};
    if (r.path() == "/slow") {
        try {
            co_await system_clock().sleep_for(seconds(60));
        } catch (const boost::system::system_error&) {
            cancelled_calls.fetch_add(1);
            throw;
        }
    }
    if (r.path() == "/numbers") out.stream = numbers;
    else if (r.path() == "/trailers") out.trailers.add("grpc-status", "0");
    out.headers.add("X-Verb", r.verb_text);
    out.body = r.target + '|' + std::string(r.headers.get("Host")) + '|' + r.body;
    co_return out;
}

// A client's side of one test: a connection that lives as long as this, on the server's runtime.
class dialogue {
public:
    static task<std::unique_ptr<dialogue>> begin(std::uint16_t port) {
        const auto executor = co_await asio::this_coro::executor;
        auto link = std::make_shared<http::client_connection>(executor);
        co_await link->connect({.port = port}, nullptr, steady_point::max());
        auto out = std::make_unique<dialogue>();
        out->connection = std::make_shared<client_connection>(std::move(link), client_settings{});
        out->tasks.spawn(executor, client_connection::run(out->connection));
        co_return out;
    }
    task<exchanged> ask(std::string verb, std::string path, std::string body = {}, milliseconds patience = seconds(20), std::string type = "text/plain") {
        const field fields[] = {{":method", verb}, {":scheme", "http"}, {":path", path}, {":authority", "shop.test"}, {"content-type", type}};
        co_return co_await client_connection::exchange(connection, fields, std::move(body), system_clock().steady_now() + patience);
    }
    task<void> end() {
        tasks.stop();
        co_await tasks.join();
    }

    std::shared_ptr<client_connection> connection;
    scope tasks{"test"};
};

// Runs the body with a dialogue, and joins what it began.
template <class Body>
void talk(running_server& server, Body body) {
    struct runner {
        static task<void> run(std::uint16_t port, Body inner) {
            auto d = co_await dialogue::begin(port);
            std::exception_ptr broken;
            try {
                co_await inner(*d);
            } catch (...) {
                broken = std::current_exception();
            }
            co_await d->end();
            if (broken) std::rethrow_exception(broken);
        }
    };
    server.runtime().block_on(runner::run(server.port(), body));
}

TEST(http2, the_handler_answers_as_over_http1) {
    running_server server(answer);
    talk(server, +[](dialogue& d) -> task<void> {
        const auto got = co_await d.ask("POST", "/v1/things?x=1", "hello");
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "/v1/things?x=1|shop.test|hello");
        EXPECT_EQ(got.fields.get("x-verb"), "POST");
        EXPECT_EQ(got.fields.get("content-length"), std::to_string(got.body.size()));
        EXPECT_FALSE(got.fields.get("date").empty());
    });
    // The same port, the same handler.
    raw_client one(server.port());
    one.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    EXPECT_EQ(one.read().body, "/|shop.test|");
}

TEST(http2, head_has_no_body) {
    running_server server(answer);
    talk(server, +[](dialogue& d) -> task<void> {
        const auto got = co_await d.ask("HEAD", "/");
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "");
        EXPECT_EQ(got.fields.get("content-length"), "12");
    });
}

TEST(http2, an_answer_may_end_with_trailers) {
    running_server server(answer);
    talk(server, +[](dialogue& d) -> task<void> {
        const auto got = co_await d.ask("POST", "/trailers", "x");
        EXPECT_EQ(got.body, "/trailers|shop.test|x");
        EXPECT_EQ(got.fields.get("grpc-status"), "0");
        EXPECT_FALSE(got.fields.find("content-length"));
    });
}

TEST(http2, a_streamed_answer_arrives_whole_through_flow_control) {
    running_server server(answer);
    talk(server, +[](dialogue& d) -> task<void> {
        const auto got = co_await d.ask("GET", "/numbers");
        EXPECT_EQ(got.body.size(), 64u * 16 * 1024);
        EXPECT_EQ(got.body.back(), static_cast<char>('a' + 63 % 26));
        EXPECT_EQ(got.fields.get("checked"), "yes");
    });
}

TEST(http2, a_body_larger_than_the_window_arrives_whole) {
    running_server server(answer);
    talk(server, +[](dialogue& d) -> task<void> {
        const std::string body(3'000'000, 'b');
        const auto got = co_await d.ask("POST", "/", body);
        EXPECT_EQ(got.body.size(), body.size() + 12);
    });
}

TEST(http2, limits_are_answered_and_the_connection_goes_on) {
    running_server server(answer, {.max_body_bytes = 1000});
    talk(server, +[](dialogue& d) -> task<void> {
        EXPECT_EQ((co_await d.ask("POST", "/", std::string(2000, 'x'))).status, 413);
        EXPECT_EQ((co_await d.ask("GET", "/" + std::string(9000, 'x'))).status, 414);
        EXPECT_EQ((co_await d.ask("GET", "/a#b")).status, 400);
        EXPECT_EQ((co_await d.ask("GET", "/", {}, seconds(20), std::string(17'000, 'y'))).status, 431);
        EXPECT_EQ((co_await d.ask("GET", "/")).status, 200);
    });
}

task<response> ignores_its_body(request&, http::body_reader& body) {
    while (true)
        if (const auto piece = co_await body.read(); !piece || !*piece) co_return response{.body = "all is well"};
}

TEST(http2, a_streamed_body_that_broke_is_never_answered_with_success) {
    const http::body_stream stream{1'000, ignores_its_body};
    running_server server(answer, {.streams = [&stream](const request&) { return &stream; }});
    talk(server, +[](dialogue& d) -> task<void> {
        EXPECT_EQ((co_await d.ask("POST", "/", std::string(900, 'x'))).body, "all is well");
        EXPECT_EQ((co_await d.ask("POST", "/", std::string(5'000, 'x'))).status, 413);
    });
}

TEST(http2, a_body_that_drips_has_no_more_time_than_another) {
    running_server server(answer, {.body_timeout = milliseconds(60)});
    talk(server, +[](dialogue& d) -> task<void> {
        const field fields[] = {{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "shop.test"}};
        const auto s = client_stream::open(d.connection, fields, system_clock().steady_now() + seconds(20));
        for (int i = 0; i < 400 && co_await s->write("x"); ++i) co_await system_clock().sleep_for(milliseconds(5));
        EXPECT_EQ(s->status(), 408);
        s->cancel();
    });
}

TEST(http2, an_answer_that_nobody_takes_is_not_held_for_ever) {
    running_server server(+[](request&) -> task<response> { co_return response{.body = std::string(4'000'000, 'x')}; },
                          {.body_timeout = milliseconds(60), .write_timeout = milliseconds(60)});
    talk(server, +[](dialogue& d) -> task<void> {
        const field fields[] = {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "shop.test"}};
        const auto s = client_stream::open(d.connection, fields, steady_point::max());
        s->finish();
        for (int i = 0; i < 1'000 && d.connection->open() != 0; ++i) co_await system_clock().sleep_for(milliseconds(5));
        EXPECT_EQ(d.connection->open(), 0u) << "the stream is still open";
        while (co_await s->read()) {
        }
        EXPECT_EQ(s->fault(), call_fault::lost);
        // One who goes on taking gets it whole.
        EXPECT_EQ((co_await d.ask("GET", "/")).body.size(), 4'000'000u);
    });
}

TEST(http2, a_call_that_its_client_gives_up_is_cancelled_when_nobody_else_needs_its_end) {
    cancelled_calls = 0;
    running_server server(answer);
    talk(server, +[](dialogue& d) -> task<void> {
        const auto got = co_await d.ask("POST", "/slow", "x", milliseconds(50), "application/grpc");
        EXPECT_EQ(got.fault, call_fault::deadline);
        while (cancelled_calls.load() == 0) co_await system_clock().sleep_for(milliseconds(1));
        EXPECT_EQ((co_await d.ask("GET", "/")).status, 200);
    });
    EXPECT_EQ(cancelled_calls.load(), 1);
}

TEST(http2, a_drain_says_goodbye_and_lets_answers_end) {
    running_server server(+[](request&) -> task<response> {
        co_await system_clock().sleep_for(milliseconds(100));
        co_return response{.body = "done"};
    });
    struct scene {
        static task<void> ask(dialogue& d, exchanged& into) { into = co_await d.ask("GET", "/"); }
        static task<void> run(running_server& s) {
            auto d = co_await dialogue::begin(s.port());
            exchanged got;
            scope asking("asking");
            asking.spawn(co_await asio::this_coro::executor, ask(*d, got));
            co_await system_clock().sleep_for(milliseconds(30));
            co_await s.server().drain(seconds(10));
            co_await asking.join();
            EXPECT_EQ(got.body, "done");
            EXPECT_FALSE(d->connection->is_usable());
            co_await d->end();
        }
    };
    server.runtime().block_on(scene::run(server));
}

TEST(http2, a_broken_preface_gets_an_answer_of_http1) {
    running_server server(answer);
    raw_client c(server.port());
    c.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    EXPECT_GE(c.read().status, 400);
}

TEST(http2, a_client_that_pings_without_end_is_told_to_calm_down) {
    running_server server(answer);
    raw_client c(server.port());
    std::string bytes(preface);
    bytes += std::string_view("\0\0\0\4\0\0\0\0\0", 9);
    for (int i = 0; i < 100; ++i) bytes += std::string_view("\0\0\x8\6\0\0\0\0\0" "12345678", 17);
    c.send(bytes);
    EXPECT_NE(c.rest().find("too_many_pings"), std::string::npos);
}

TEST(http2, a_flood_of_settings_does_not_outlive_its_connection) {
    running_server server(answer);
    raw_client c(server.port());
    std::string bytes(preface);
    bytes += std::string_view("\0\0\0\4\0\0\0\0\0", 9);
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
    for (int i = 0; i < 200'000; ++i) bytes += settings;
    c.send(bytes);
    c.finish_sending();
    // It ends: with GOAWAY once nobody reads what it acknowledges, or because the client has sent all.
    EXPECT_FALSE(c.rest().empty());
    EXPECT_EQ(raw_client(server.port()).connected(), true);
}

}  // namespace
}  // namespace bv::http2
