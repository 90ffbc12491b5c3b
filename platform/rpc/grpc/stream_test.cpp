// Calls with streams over real sockets: the platform's client against its server.
#include "platform/rpc/grpc/typed_stream.hpp"

#include <atomic>
#include <deque>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <google/protobuf/wrappers.pb.h>

#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/remote_stream.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::rpc::grpc {
namespace {

using google::protobuf::BytesValue;
using requests = message_stream<BytesValue>;
using answers = message_sink<BytesValue>;
using stream = remote_stream<BytesValue, BytesValue>;

constexpr std::size_t piece = 64 * 1024;
constexpr int many = 300;
// What windows, buffers of a stream and messages in hand may hold; without back-pressure all of it would be under way at once.
constexpr int most_under_way = (1024 * 1024 + 512 * 1024) / piece;

constexpr streamed_method give_back{"t.S", "Both", {.anonymous = true}, {}, "/t.S/Both", true, true}, pour{"t.S", "Pour", {.anonymous = true}, {}, "/t.S/Pour", false, true},
    take{"t.S", "Take", {.anonymous = true}, {}, "/t.S/Take", true, false}, rest{"t.S", "Rest", {.anonymous = true}, {}, "/t.S/Rest", true, true},
    guarded{"t.S", "Guarded", {}, {}, "/t.S/Guarded", true, true};

result<void> parsed(std::string_view bytes, BytesValue& into) { return parse_message(bytes, into); }

struct world {
    std::atomic<int> poured{0}, given{0}, cancelled{0};
    std::shared_ptr<waiter> begun = waiter::make();
};

task<result<void>> both(context&, requests& all, answers& to) {
    while (true) {
        auto next = co_await all.next();
        if (!next) co_return std::unexpected(next.error());
        if (!*next) co_return result<void>{};
        if (!co_await to.write(*(*next)->message)) co_return result<void>{};
    }
}

task<result<void>> pour_out(world* w, BytesValue one, answers& to) {
    for (int i = 0; i < many && co_await to.write(one); ++i) w->poured.fetch_add(1);
    co_return result<void>{};
}

// How far the client was ahead, at most.
task<result<BytesValue>> take_all(world* w, requests& all) {
    int taken = 0, ahead = 0;
    while (true) {
        auto next = co_await all.next();
        if (!next) co_return std::unexpected(next.error());
        if (!*next) break;
        ahead = std::max(ahead, w->given.load() - ++taken);
    }
    BytesValue out;
    out.set_value(std::to_string(taken) + ' ' + std::to_string(ahead));
    co_return out;
}

task<result<void>> rest_until_cancelled(world* w, answers& to) {
    co_await to.write({});
    w->begun->wake();
    try {
        co_await system_clock().sleep_for(seconds(60));
    } catch (const boost::system::system_error&) {
        w->cancelled.fetch_add(1);
        throw;
    }
    co_return result<void>{};
}

class grpc_stream : public testing::Test {
protected:
    grpc_stream() {
        add(serve_messages<BytesValue, BytesValue>(give_back, parsed, [](context& c, requests& all, answers& to) { return both(c, all, to); }));
        add(serve_answers<BytesValue, BytesValue>(pour, parsed, [this](context&, BytesValue one, answers& to) { return pour_out(&world_, std::move(one), to); }));
        add(serve_requests<BytesValue, BytesValue>(take, parsed, [this](context&, requests& all) { return take_all(&world_, all); }));
        add(serve_messages<BytesValue, BytesValue>(rest, parsed, [this](context&, requests&, answers& to) { return rest_until_cancelled(&world_, to); }));
        add(serve_messages<BytesValue, BytesValue>(guarded, parsed, [](context& c, requests& all, answers& to) { return both(c, all, to); }));
        rt_.start();
        server_.emplace(rt_, server_options(), [](http::request& r) { return nobody(r); });
        server_->start();
        channel_.emplace(options(), system_clock(), system_rng());
    }
    ~grpc_stream() override {
        rt_.block_on(channel_->close());
        rt_.block_on(server_->drain(milliseconds(100)));
        rt_.stop();
        rt_.join();
    }
    http::server_options server_options() {
        http::server_options o{.max_body_bytes = 100'000};
        o.streams = [this](const http::request& r) -> const http::body_stream* {
            for (const auto& [method, body] : methods_)
                if (method.path == r.path()) return &body;
            return nullptr;
        };
        o.error_page = [](const http::request*, int status, std::string_view detail) { return refusal(status, detail); };
        return o;
    }
    void add(streamed m) {
        auto& added = methods_.emplace_back(std::move(m), http::body_stream{});
        added.second = {.max_bytes = std::uint64_t{1} << 40, .handle = [m = &added.first](http::request& r, http::body_reader& b) { return begin(m, r, b); }, .unhurried = true};
    }
    static task<http::response> begin(const streamed* m, http::request& r, http::body_reader& b) {
        const auto now = system_clock().steady_now();
        co_return serve(*m, r, b, make_context(r, {.deadline = deadline_of(r, now, steady_point::max())}), 1'000'000);
    }
    static task<http::response> nobody(http::request& r) { co_return refusal(no_such_method(r.path())); }
    [[nodiscard]] channel_options options() const { return {.name = "t", .instances = {{"127.0.0.1", server_->port()}}}; }
    static BytesValue of(std::size_t n) {
        BytesValue out;
        out.set_value(std::string(n, 'x'));
        return out;
    }
    void run(task<void> (*body)(channel&, world&)) { rt_.block_on(body(*channel_, world_)); }

    runtime rt_{1};
    world world_;
    std::deque<std::pair<streamed, http::body_stream>> methods_;
    std::optional<http::server> server_;
    std::optional<channel> channel_;
};

TEST_F(grpc_stream, both_sides_talk_in_turn) {
    run(+[](channel& c, world&) -> task<void> {
        context ctx;
        stream s(co_await c.open(give_back, ctx));
        for (const std::size_t n : {std::size_t{0}, std::size_t{1}, piece, std::size_t{900'000}}) {
            EXPECT_TRUE(co_await s.write(of(n)));
            const auto back = co_await s.next();
            EXPECT_TRUE(back && *back && (*back)->value().size() == n);
        }
        s.finish_writing();
        const auto end = co_await s.next();
        EXPECT_TRUE(end && !*end);
    });
}

TEST_F(grpc_stream, a_server_is_no_further_ahead_than_its_client_lets_it) {
    run(+[](channel& c, world& w) -> task<void> {
        context ctx;
        stream s(co_await c.open(pour, ctx));
        co_await s.write(of(piece));
        s.finish_writing();
        int read = 0;
        while (true) {
            const auto one = co_await s.next();
            if (!one || !*one) break;
            EXPECT_LE(w.poured.load() - ++read, most_under_way);
        }
        EXPECT_EQ(read, many);
    });
}

// A look at what goes on ends the pending read: what is sent in the same turn must not make that the client's end.
TEST_F(grpc_stream, a_busy_one_outlives_the_servers_looks) {
    auto o = server_options();
    o.body_timeout = milliseconds(20);  // a look each 5 ms
    http::server looking(rt_, std::move(o), [](http::request& r) { return nobody(r); });
    looking.start();
    channel to({.name = "t", .instances = {{"127.0.0.1", looking.port()}}}, system_clock(), system_rng());
    struct scene {
        static task<void> read_all(channel& c) {
            for (int i = 0; i < 20; ++i) {
                context ctx;
                stream s(co_await c.open(pour, ctx));
                co_await s.write(of(piece));
                s.finish_writing();
                while (true) {
                    const auto one = co_await s.next();
                    EXPECT_TRUE(one.has_value());
                    if (!one || !*one) break;
                }
            }
        }
    };
    EXPECT_NO_THROW(rt_.block_on(scene::read_all(to)));
    EXPECT_EQ(world_.poured.load(), 20 * many);
    rt_.block_on(to.close());
    rt_.block_on(looking.drain(milliseconds(100)));
}

TEST_F(grpc_stream, a_client_is_no_further_ahead_than_its_server_lets_it) {
    run(+[](channel& c, world& w) -> task<void> {
        context ctx;
        stream s(co_await c.open(take, ctx));
        for (int i = 0; i < many && co_await s.write(of(piece)); ++i) w.given.fetch_add(1);
        const auto answer = co_await s.answer();
        EXPECT_TRUE(answer.has_value());
        if (!answer) co_return;
        int taken = 0, ahead = 0;
        std::sscanf(answer->value().c_str(), "%d %d", &taken, &ahead);
        EXPECT_EQ(taken, many);
        EXPECT_LE(ahead, most_under_way);
    });
}

TEST_F(grpc_stream, what_the_client_drops_is_cancelled_at_the_server) {
    run(+[](channel& c, world& w) -> task<void> {
        context ctx;
        {
            stream s(co_await c.open(rest, ctx));
            const auto first = co_await s.next();
            EXPECT_TRUE(first && *first);
        }
        while (w.cancelled.load() == 0) co_await system_clock().sleep_for(milliseconds(1));
    });
}

TEST_F(grpc_stream, a_deadline_ends_it_on_both_sides) {
    run(+[](channel& c, world& w) -> task<void> {
        context ctx;
        ctx.deadline = system_clock().steady_now() + milliseconds(50);
        stream s(co_await c.open(rest, ctx));
        code said = code::ok;
        try {
            while (true) {
                const auto one = co_await s.next();
                if (!one) said = one.error().code;
                if (!one || !*one) break;
            }
        } catch (const failure& f) {
            said = f.error().code;
        }
        EXPECT_EQ(said, code::deadline_exceeded);
        while (w.cancelled.load() == 0) co_await system_clock().sleep_for(milliseconds(1));
    });
}

TEST_F(grpc_stream, what_is_too_large_is_resource_exhausted) {
    run(+[](channel& c, world&) -> task<void> {
        context ctx;
        stream s(co_await c.open(give_back, ctx));
        co_await s.write(of(1'100'000));
        const auto back = co_await s.next();
        EXPECT_FALSE(back);
        EXPECT_EQ(back.error().reason, "MESSAGE_TOO_LARGE");
        EXPECT_EQ(back.error().code, code::resource_exhausted);
        static constexpr method unary{"t.S", "One", {}, true, false, {}, nullptr, "/t.S/One", nullptr};
        BytesValue answer;
        const auto one = co_await c.unary(unary, of(200'000), answer, ctx);
        EXPECT_EQ(one.error().code, code::resource_exhausted) << "the body of a unary call is the server's to bound";
        EXPECT_EQ((co_await c.unary(unary, of(1), answer, ctx)).error().code, code::unimplemented);
    });
}

TEST_F(grpc_stream, messages_are_compressed_the_way_the_clients_are) {
    auto o = options();
    o.gzip = true;
    channel_.emplace(std::move(o), system_clock(), system_rng());
    run(+[](channel& c, world&) -> task<void> {
        context ctx;
        stream s(co_await c.open(give_back, ctx));
        co_await s.write(of(piece));
        const auto back = co_await s.next();
        EXPECT_TRUE(back && *back && (*back)->value().size() == piece);
        EXPECT_EQ(s.call().initial().get("grpc-encoding"), "gzip");
    });
}

TEST_F(grpc_stream, the_contract_says_who_may_open_one) {
    run(+[](channel& c, world&) -> task<void> {
        context ctx;
        stream s(co_await c.open(guarded, ctx));
        const auto back = co_await s.next();
        EXPECT_FALSE(back);
        EXPECT_EQ(back.error().reason, "CREDENTIALS_REQUIRED");
    });
}

TEST_F(grpc_stream, a_server_that_drains_lets_it_end) {
    struct scene {
        static task<void> talk(channel& c, world& w) {
            context ctx;
            stream s(co_await c.open(give_back, ctx));
            co_await s.write(of(1));
            EXPECT_TRUE((co_await s.next()).has_value());
            w.begun->wake();
            // The server says goodbye, and takes no more calls; this one goes on.
            bool refused = false;
            while (!refused) {
                try {
                    stream other(co_await c.open(give_back, ctx));
                    co_await other.write(of(1));
                    (void)co_await other.next();
                    co_await system_clock().sleep_for(milliseconds(1));
                } catch (const failure&) {
                    refused = true;
                }
            }
            EXPECT_TRUE(co_await s.write(of(2)));
            const auto back = co_await s.next();
            EXPECT_TRUE(back && *back && (*back)->value().size() == 2);
            s.finish_writing();
            const auto end = co_await s.next();
            EXPECT_TRUE(end && !*end);
        }
    };
    auto talk = asio::co_spawn(rt_.context(0), scene::talk(*channel_, world_), asio::use_future);
    rt_.block_on(world_.begun->wait());
    rt_.block_on(server_->drain(seconds(20)));
    talk.get();
}

}  // namespace
}  // namespace bv::rpc::grpc
