// The edge over gRPC, through real sockets: generated remote clients call what REST would.
#include <gtest/gtest.h>

#include <map>

#include <boost/asio/this_coro.hpp>

#include "bitvelocity/commerce/inventory/v1/inventory.bv.hpp"
#include "gateway/edge.hpp"
#include "platform/net/http2/client.hpp"
#include "platform/net/http/raw_client.hpp"
#include "platform/rpc/grpc/channel.hpp"
#include "platform/rpc/grpc/health.hpp"
#include "platform/rpc/grpc/reflection.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::gateway {
namespace {

namespace contract = bitvelocity::commerce::inventory::v1;

class double_of_inventory final : public contract::inventory_service {
public:
    task<result<contract::Stock>> get_stock(rpc::context& ctx, contract::GetStockRequest r) override {
        if (r.sku() == "broken") throw std::runtime_error("a bug with a secret in it");
        if (r.sku() == "slow") co_await system_clock().sleep_for(seconds(30));
        seen = ctx;
        ++reads;
        contract::Stock s;
        s.set_sku(r.sku());
        ctx.etag = "7";
        co_return s;
    }
    task<result<contract::ListStockResponse>> list_stock(rpc::context&, contract::ListStockRequest) override { co_return contract::ListStockResponse{}; }
    task<result<contract::Stock>> receive_stock(rpc::context&, contract::ReceiveStockRequest r) override {
        ++received;
        if (r.sku() == "away") {
            auto away = fail(code::unavailable, "AWAY", "not now");
            away.error().retry_after = milliseconds(2'000);
            co_return away;
        }
        contract::Stock s;
        s.set_sku(r.sku());
        s.set_received(r.quantity());
        co_return s;
    }
    task<result<contract::BatchReceiveStockResponse>> batch_receive_stock(rpc::context&, contract::BatchReceiveStockRequest) override { co_return contract::BatchReceiveStockResponse{}; }
    task<result<contract::Stock>> adjust_stock(rpc::context&, contract::AdjustStockRequest) override { co_return contract::Stock{}; }
    task<result<contract::Reservation>> get_reservation(rpc::context&, contract::GetReservationRequest) override { co_return contract::Reservation{}; }
    int received = 0, reads = 0;
    rpc::context seen;
};

class known_callers final : public rpc::authenticator {
public:
    task<result<rpc::principal>> bearer(std::string token) override {
        rpc::principal p;
        p.kind = rpc::caller_kind::user;
        p.id = uuid::named(token);
        if (token == "clerk") p.scopes = {"inventory.read", "inventory.write"};
        else if (token != "shopper") co_return fail(code::unauthenticated, "TOKEN_INVALID", "unknown");
        co_return p;
    }
    task<result<rpc::principal>> api_key(std::string) override { co_return fail(code::unauthenticated, "KEY_INVALID", "unknown"); }
    bool is_known(std::string_view) override { return false; }
};

class answers_in_memory final : public resilience::idempotency_store {
public:
    task<result<std::optional<resilience::stored_answer>>> claim(std::string caller, std::string key, std::string fingerprint) override {
        const auto [it, fresh] = kept.try_emplace({caller, key}, fingerprint, std::nullopt);
        if (fresh) co_return std::nullopt;
        if (it->second.first != fingerprint) co_return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED", "another body");
        co_return it->second.second;
    }
    task<void> finish(std::string caller, std::string key, resilience::stored_answer a) override {
        kept.at({caller, key}).second = std::move(a);
        co_return;
    }
    task<void> abandon(std::string caller, std::string key) override {
        kept.erase({caller, key});
        co_return;
    }
    std::map<std::pair<std::string, std::string>, std::pair<std::string, std::optional<resilience::stored_answer>>> kept;
};

struct world {
    explicit world(edge_options o = {}) : door(std::move(o), system_clock(), system_rng(), callers, &answers) { door.add(contract::serve(service)); }
    double_of_inventory service;
    known_callers callers;
    answers_in_memory answers;
    edge door;
};

rpc::grpc::channel_options to(std::uint16_t port, std::string token) {
    return {.name = "inventory", .instances = {{"127.0.0.1", port}}, .token = std::move(token)};
}

// A test's calls, made on the server's runtime; what they opened is closed before it ends.
void call(http::testing::running_server& server, std::string token, task<void> (*body)(contract::inventory_service&)) {
    struct runner {
        static task<void> run(std::uint16_t port, std::string token, task<void> (*calls)(contract::inventory_service&)) {
            rpc::grpc::channel channel(to(port, std::move(token)), system_clock(), system_rng());
            contract::inventory_service_remote remote(channel);
            std::exception_ptr broken;
            try {
                co_await calls(remote);
            } catch (...) {
                broken = std::current_exception();
            }
            co_await channel.close();
            if (broken) std::rethrow_exception(broken);
        }
    };
    server.runtime().block_on(runner::run(server.port(), std::move(token), body));
}

contract::GetStockRequest stock_of(std::string sku) {
    contract::GetStockRequest r;
    r.set_sku(std::move(sku));
    return r;
}

contract::ReceiveStockRequest five_of(std::string sku) {
    contract::ReceiveStockRequest r;
    r.set_sku(std::move(sku));
    r.set_quantity(5);
    return r;
}

TEST(edge_grpc, a_call_has_its_caller_and_ids_and_gives_its_etag_back) {
    world w;
    http::testing::running_server server(w.door.handler());
    call(server, "clerk", +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        ctx.request_id = "mine-1";
        ctx.if_none_match = "3";
        const auto got = co_await remote.get_stock(ctx, stock_of("a"));
        EXPECT_TRUE(got) << got.error().message;
        EXPECT_EQ(got->sku(), "a");
        EXPECT_EQ(ctx.etag, "7");
    });
    EXPECT_EQ(w.service.seen.request_id, "mine-1");
    EXPECT_EQ(w.service.seen.if_none_match, "3");
    EXPECT_EQ(w.service.seen.caller.actor(), "user:" + uuid::named("clerk").str());
}

TEST(edge_grpc, who_may_not_is_refused_as_over_rest) {
    world w;
    http::testing::running_server server(w.door.handler());
    const auto reason = +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        const auto got = co_await remote.get_stock(ctx, stock_of("a"));
        EXPECT_FALSE(got);
        EXPECT_TRUE(got.error().reason == "TOKEN_INVALID" || got.error().reason == "SCOPE_MISSING") << got.error().reason;
    };
    call(server, "nobody", reason);
    call(server, "shopper", reason);
    EXPECT_EQ(w.service.reads, 0);
}

TEST(edge_grpc, what_the_contract_forbids_names_the_field) {
    world w;
    http::testing::running_server server(w.door.handler());
    call(server, "clerk", +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        auto bad = five_of("a");
        bad.set_quantity(-1);
        const auto got = co_await remote.receive_stock(ctx, bad);
        EXPECT_FALSE(got);
        EXPECT_EQ(got.error().code, code::invalid_argument);
        EXPECT_EQ(got.error().violations.size(), 1u);
        EXPECT_EQ(got.error().violations.at(0).field, "quantity");
    });
}

TEST(edge_grpc, shows_nothing_of_a_bug_and_when_to_come_back) {
    world w;
    http::testing::running_server server(w.door.handler());
    call(server, "clerk", +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        const auto got = co_await remote.get_stock(ctx, stock_of("broken"));
        EXPECT_EQ(got.error().code, code::internal);
        EXPECT_EQ(got.error().message.find("secret"), std::string::npos);
        const auto away = co_await remote.receive_stock(ctx, five_of("away"));
        EXPECT_EQ(away.error().reason, "AWAY");
        EXPECT_EQ(away.error().retry_after, milliseconds(2'000));
    });
}

TEST(edge_grpc, a_key_gives_the_first_answer_again) {
    world w;
    http::testing::running_server server(w.door.handler());
    call(server, "clerk", +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        ctx.idempotency_key = "k1";
        for (int i = 0; i < 3; ++i) {
            const auto got = co_await remote.receive_stock(ctx, five_of("a"));
            EXPECT_TRUE(got) << got.error().message;
            EXPECT_EQ(got->received(), 5);
        }
        auto other = five_of("a");
        other.set_quantity(6);
        EXPECT_EQ((co_await remote.receive_stock(ctx, other)).error().reason, "IDEMPOTENCY_KEY_REUSED");
    });
    EXPECT_EQ(w.service.received, 1);
}

TEST(edge_grpc, a_deadline_ends_the_call_at_both_ends) {
    world w;
    http::testing::running_server server(w.door.handler());
    call(server, "clerk", +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        ctx.deadline = system_clock().steady_now() + milliseconds(50);
        bool late = false;
        try {
            static_cast<void>(co_await remote.get_stock(ctx, stock_of("slow")));
        } catch (const failure& f) {
            late = f.error().code == code::deadline_exceeded;
        }
        EXPECT_TRUE(late);
    });
    // The server's end of it: nothing is left to wait for, so the server drains at once.
}

TEST(edge_grpc, limits_each_caller) {
    world w({.user_requests_per_minute = 2});
    http::testing::running_server server(w.door.handler());
    call(server, "clerk", +[](contract::inventory_service& remote) -> task<void> {
        rpc::context ctx;
        for (int i = 0; i < 2; ++i) EXPECT_TRUE(co_await remote.get_stock(ctx, stock_of("a")));
        const auto refused = co_await remote.get_stock(ctx, stock_of("a"));
        EXPECT_EQ(refused.error().code, code::resource_exhausted);
        EXPECT_TRUE(refused.error().retry_after);
    });
}

TEST(grpc_channel, goes_round_the_instances_that_live) {
    world first, second;
    http::testing::running_server a(first.door.handler()), b(second.door.handler());
    struct scene {
        static task<void> run(std::uint16_t at_a, std::uint16_t at_b) {
            rpc::grpc::channel channel({.name = "inventory", .instances = {{"127.0.0.1", at_a}, {"127.0.0.1", at_b}, {"127.0.0.1", 1}}, .token = "clerk"}, system_clock(), system_rng());
            contract::inventory_service_remote remote(channel);
            for (int i = 0; i < 12; ++i) {
                rpc::context ctx;
                EXPECT_TRUE(co_await remote.get_stock(ctx, stock_of("a")));
            }
            co_await channel.close();
        }
    };
    a.runtime().block_on(scene::run(a.port(), b.port()));
    EXPECT_GE(first.service.reads, 3);
    EXPECT_GE(second.service.reads, 3);
    EXPECT_EQ(first.service.reads + second.service.reads, 12);
}

TEST(grpc_channel, says_when_nobody_took_the_call) {
    http::testing::running_server idle([](http::request&) -> task<http::response> { co_return http::response{}; });
    struct scene {
        static task<void> run() {
            rpc::grpc::channel channel({.name = "inventory", .instances = {{"127.0.0.1", 1}}}, system_clock(), system_rng());
            contract::inventory_service_remote remote(channel);
            std::string reason;
            try {
                rpc::context ctx;
                static_cast<void>(co_await remote.get_stock(ctx, stock_of("a")));
            } catch (const failure& f) {
                reason = f.error().reason;
            }
            EXPECT_EQ(reason, "CONNECT_FAILED");
            co_await channel.close();
        }
    };
    idle.runtime().block_on(scene::run());
}

// One message to a streamed method of the edge, and what came back of it.
std::string stream_once(http::testing::running_server& server, std::string path, std::string message, int& status) {
    struct scene {
        static task<void> run(std::uint16_t port, std::string path, std::string message, std::string& got, int& status) {
            const auto executor = co_await asio::this_coro::executor;
            auto link = std::make_shared<http::client_connection>(executor);
            co_await link->connect({.port = port}, nullptr, steady_point::max());
            auto connection = std::make_shared<http2::client_connection>(std::move(link), http2::client_settings{});
            scope tasks("test");
            tasks.spawn(executor, http2::client_connection::run(connection));
            const http2::field fields[] = {{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "shop.test"}, {"te", "trailers"}, {"content-type", "application/grpc"}};
            const auto done = co_await http2::client_connection::exchange(connection, fields, rpc::grpc::frame(message, false), system_clock().steady_now() + seconds(20));
            const auto refused = rpc::grpc::status_of(done.fields, done.status);
            status = refused ? static_cast<int>(refused->code) : 0;
            rpc::grpc::message_reader reader("", 1 << 20);
            reader.put(done.body);
            if (auto one = reader.next(); one && *one) got = **one;
            tasks.stop();
            co_await tasks.join();
        }
    };
    std::string got;
    server.runtime().block_on(scene::run(server.port(), std::move(path), std::move(message), got, status));
    return got;
}

struct tools_world : world {
    tools_world() {
        for (auto& m : rpc::grpc::reflection([this] { return door.grpc_services(); })) door.add(std::move(m));
        for (auto& m : rpc::grpc::health([](std::string_view s) { return s.empty() ? rpc::grpc::serving::yes : rpc::grpc::serving::service_unknown; }, system_clock())) door.add(std::move(m));
    }
    http::server_options options{.streams = [this](const http::request& r) { return door.stream_of(r); }};
};

TEST(edge_grpc_tools, reflection_lists_services_and_gives_their_files) {
    tools_world w;
    http::testing::running_server server(w.door.handler(), w.options);
    int status = -1;
    for (const std::string version : {"v1", "v1alpha"}) {
        const auto path = "/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo";
        const auto list = stream_once(server, path, std::string("\x3a\0", 2), status);
        EXPECT_EQ(status, 0);
        EXPECT_NE(list.find("bitvelocity.commerce.inventory.v1.InventoryService"), std::string::npos);
        EXPECT_NE(list.find("grpc.health.v1.Health"), std::string::npos);
        const std::string symbol = "bitvelocity.commerce.inventory.v1.InventoryService";
        const auto files = stream_once(server, path, std::string("\x22") + static_cast<char>(symbol.size()) + symbol, status);
        EXPECT_NE(files.find("inventory.proto"), std::string::npos);
        EXPECT_NE(files.find("google/api/annotations.proto"), std::string::npos);
    }
}

TEST(edge_grpc_tools, health_is_asked_by_service) {
    tools_world w;
    http::testing::running_server server(w.door.handler(), w.options);
    int status = -1;
    EXPECT_EQ(stream_once(server, "/grpc.health.v1.Health/Check", "", status), std::string("\x08\x01", 2));
    EXPECT_EQ(status, 0);
    stream_once(server, "/grpc.health.v1.Health/Check", std::string("\x0a\x01x"), status);
    EXPECT_EQ(status, static_cast<int>(code::not_found));
    stream_once(server, "/grpc.health.v1.Health/Nothing", "", status);
    EXPECT_EQ(status, static_cast<int>(code::unimplemented));
}

}  // namespace
}  // namespace bv::gateway
