// The edge without sockets: a contract served by a double, an authenticator and an answer store in memory.
#include "gateway/edge.hpp"

#include <gtest/gtest.h>

#include <map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "bitvelocity/commerce/inventory/v1/inventory.bv.hpp"

namespace bv::gateway {
namespace {

namespace contract = bitvelocity::commerce::inventory::v1;

class double_of_inventory final : public contract::inventory_service {
public:
    task<result<contract::Stock>> get_stock(rpc::context& ctx, contract::GetStockRequest r) override {
        if (r.sku() == "broken") throw std::runtime_error("a bug with a secret in it");
        contract::Stock s;
        s.set_sku(r.sku());
        ctx.etag = "7";
        co_return s;
    }
    task<result<contract::ListStockResponse>> list_stock(rpc::context&, contract::ListStockRequest) override { co_return contract::ListStockResponse{}; }
    task<result<contract::Stock>> receive_stock(rpc::context&, contract::ReceiveStockRequest r) override {
        ++received;
        if (r.sku() == "away") co_return fail(code::unavailable, "AWAY", "not now");
        contract::Stock s;
        s.set_sku(r.sku());
        s.set_received(r.quantity());
        co_return s;
    }
    task<result<contract::BatchReceiveStockResponse>> batch_receive_stock(rpc::context&, contract::BatchReceiveStockRequest) override { co_return contract::BatchReceiveStockResponse{}; }
    task<result<contract::Stock>> adjust_stock(rpc::context&, contract::AdjustStockRequest) override { co_return contract::Stock{}; }
    task<result<contract::Reservation>> get_reservation(rpc::context&, contract::GetReservationRequest) override { co_return contract::Reservation{}; }
    int received = 0;
};

class known_callers final : public rpc::authenticator {
public:
    task<result<rpc::principal>> bearer(std::string token) override { co_return of(token); }
    task<result<rpc::principal>> api_key(std::string key) override { co_return of(key); }
    bool is_known(std::string_view credential) override { return credential == "known"; }
    int asked = 0;

private:
    result<rpc::principal> of(const std::string& credential) {
        ++asked;
        rpc::principal p;
        p.kind = rpc::caller_kind::user;
        p.id = uuid::named(credential);
        if (credential == "clerk" || credential == "known") p.scopes = {"inventory.read", "inventory.write"};
        else if (credential != "shopper") return fail(code::unauthenticated, "TOKEN_INVALID", "unknown");
        return p;
    }
};

class answers_in_memory final : public resilience::idempotency_store {
public:
    task<result<std::optional<resilience::stored_answer>>> claim(std::string caller, std::string key, std::string fingerprint) override {
        ++seen;
        const auto [it, fresh] = kept.try_emplace({caller, key}, fingerprint, std::nullopt);
        if (fresh) co_return std::nullopt;
        if (it->second.first != fingerprint) co_return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED", "another body");
        if (!it->second.second) co_return fail(code::aborted, "IDEMPOTENCY_KEY_IN_USE", "still running");
        co_return it->second.second;
    }
    task<void> finish(std::string caller, std::string key, resilience::stored_answer a) override {
        kept.at({caller, key}).second = std::move(a);
        co_return;
    }
    task<void> abandon(std::string caller, std::string key) override {
        if (away) throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "away");
        kept.erase({caller, key});
        co_return;
    }
    bool away = false;
    int seen = 0;  // claims
    std::map<std::pair<std::string, std::string>, std::pair<std::string, std::optional<resilience::stored_answer>>> kept;
};

struct fixture : ::testing::Test {
    explicit fixture(edge_options o = {}) : door(o, system_clock(), system_rng(), callers, &answers) {
        door.add(contract::serve(service));
        door.add({"GET", "/hello", [](http::request&) { return hello(); }});
        door.add({"GET", "/private", [](http::request&) { return hello(); }, "inventory.read"});
        serve = door.handler();
    }
    static task<http::response> hello() {
        http::response r;
        r.body = "hello";
        co_return r;
    }
    http::response send(http::verb v, std::string target, std::map<std::string, std::string> headers = {}, std::string body = {}, std::string from = "203.0.113.9") {
        http::request r;
        r.verb = v;
        r.verb_text = std::string(http::name(v));
        r.target = std::move(target);
        r.remote_address = std::move(from);
        for (auto& [k, value] : headers) r.headers.add(k, value);
        r.body = std::move(body);
        http::response out;
        asio::io_context io;
        asio::co_spawn(io, serve(r), [&](std::exception_ptr e, http::response got) {
            EXPECT_FALSE(e);
            out = std::move(got);
        });
        io.run();
        return out;
    }
    static std::string reason(const http::response& r) { return std::string(boost::json::parse(r.body).at("reason").as_string()); }

    double_of_inventory service;
    known_callers callers;
    answers_in_memory answers;
    edge door;
    http::handler serve;
    const std::map<std::string, std::string> clerk{{"Authorization", "Bearer clerk"}};
};

using edge_test = fixture;

TEST_F(edge_test, asks_who_calls_and_what_they_may) {
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a").status, 401);
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a", {{"Authorization", "Bearer nobody"}}).status, 401);
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a", {{"Authorization", "Basic Y2xlcms6"}}).status, 401);
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a", {{"Authorization", "Bearer shopper"}}).status, 403);
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a", {{"Authorization", "Bearer clerk"}, {"X-Api-Key", "clerk"}}).status, 401);
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a", {{"X-Api-Key", "clerk"}}).status, 200);
    EXPECT_EQ(send(http::verb::get, "/v1/stock/a", {{"authorization", "bearer clerk"}}).status, 200);
}

TEST_F(edge_test, answers_with_ids_limits_and_safe_headers) {
    auto headers = clerk;
    headers["X-Request-Id"] = "my-id.1";
    const auto r = send(http::verb::get, "/v1/stock/a", headers);
    EXPECT_EQ(r.headers.get("X-Request-Id"), "my-id.1");
    EXPECT_EQ(r.headers.get("ETag"), "\"7\"");
    EXPECT_EQ(r.headers.get("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(r.headers.get("Cache-Control"), "no-store");
    EXPECT_FALSE(r.headers.get("RateLimit-Remaining").empty());
    EXPECT_EQ(send(http::verb::get, "/hello", {{"X-Request-Id", "bad id\r\nX: y"}}).headers.get("X-Request-Id").size(), 36u);  // one of ours
}

TEST_F(edge_test, shows_nothing_of_a_bug) {
    const auto r = send(http::verb::get, "/v1/stock/broken", clerk);
    EXPECT_EQ(r.status, 500);
    EXPECT_EQ(r.body.find("secret"), std::string::npos);
    EXPECT_NE(r.body.find("trace_id"), std::string::npos);
}

TEST_F(edge_test, keeps_the_first_answer_under_a_key) {
    auto headers = clerk;
    headers["Idempotency-Key"] = "k1";
    const std::string body = R"({"quantity":"5"})";
    const auto first = send(http::verb::post, "/v1/stock/a:receive", headers, body);
    EXPECT_EQ(first.status, 200) << first.body;
    const auto again = send(http::verb::post, "/v1/stock/a:receive", headers, body);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
    EXPECT_EQ(service.received, 1);
    EXPECT_EQ(send(http::verb::post, "/v1/stock/a:receive", headers, R"({"quantity":"6"})").status, 422);
    answers.kept.begin()->second.second.reset();
    EXPECT_EQ(send(http::verb::post, "/v1/stock/a:receive", headers, body).status, 409);
}

TEST_F(edge_test, refuses_a_key_that_is_no_text_before_the_store_sees_it) {
    auto headers = clerk;
    for (const char* key : {"\xff", "a\tb"}) {
        headers["Idempotency-Key"] = key;
        answers.seen = 0;
        EXPECT_EQ(send(http::verb::post, "/v1/stock/a:receive", headers, R"({"quantity":"5"})").status, 400);
        EXPECT_EQ(answers.seen, 0);
    }
}

TEST_F(edge_test, lets_a_failed_request_be_tried_again) {
    auto headers = clerk;
    headers["Idempotency-Key"] = "k1";
    for (int i = 1; i <= 2; ++i) {
        EXPECT_EQ(send(http::verb::post, "/v1/stock/away:receive", headers, R"({"quantity":"5"})").status, 503);
        EXPECT_EQ(service.received, i);
    }
    EXPECT_TRUE(answers.kept.empty());
}

TEST_F(edge_test, frees_a_key_whose_end_could_not_be_stored) {
    auto headers = clerk;
    headers["Idempotency-Key"] = "k1";
    answers.away = true;
    EXPECT_EQ(send(http::verb::post, "/v1/stock/away:receive", headers, R"({"quantity":"5"})").status, 503);
    answers.away = false;
    EXPECT_EQ(answers.kept.size(), 1u);  // the claim is still there
    EXPECT_EQ(send(http::verb::post, "/v1/stock/away:receive", headers, R"({"quantity":"5"})").status, 503);
    EXPECT_EQ(service.received, 2);
}

TEST_F(edge_test, guards_raw_routes_that_need_a_scope) {
    EXPECT_EQ(send(http::verb::get, "/hello").status, 200);
    EXPECT_EQ(send(http::verb::get, "/private").status, 401);
    EXPECT_EQ(send(http::verb::get, "/private", clerk).status, 200);
}

TEST_F(edge_test, opens_reads_to_this_machine_and_not_to_whom_a_proxy_on_it_serves) {
    const auto status = [&](const std::string& from, const std::string& host, const char* added) {
        std::map<std::string, std::string> headers{{"Host", host}};
        if (added != nullptr) headers[added] = "203.0.113.9";
        return send(http::verb::get, "/private", headers, {}, from).status;
    };
    EXPECT_EQ(status("127.0.0.1", "localhost:8080", nullptr), 200);
    EXPECT_EQ(status("::1", "[::1]:8080", nullptr), 200);
    EXPECT_EQ(status("127.0.0.1", "shop.example", nullptr), 401) << "a name of somebody else's";
    EXPECT_EQ(status("203.0.113.9", "localhost", nullptr), 401);
    for (const char* name : {"Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Real-IP", "Via"}) EXPECT_EQ(status("127.0.0.1", "localhost", name), 401) << name;
}

TEST_F(edge_test, unknown_paths_and_verbs_are_problems) {
    EXPECT_EQ(send(http::verb::get, "/nothing").status, 404);
    const auto r = send(http::verb::put, "/v1/stock/a", clerk);
    EXPECT_EQ(r.status, 405);
    EXPECT_NE(r.headers.get("Allow").find("GET"), std::string::npos);
}

struct narrow_edge : fixture {
    narrow_edge() : fixture(edge_options{.user_requests_per_minute = 3, .anonymous_requests_per_minute = 2, .cors_origins = {"https://shop.example"}}) {}
};

TEST_F(narrow_edge, limits_each_caller_by_itself) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(send(http::verb::get, "/v1/stock/a", clerk).status, 200);
    const auto refused = send(http::verb::get, "/v1/stock/a", clerk);
    EXPECT_EQ(refused.status, 429);
    EXPECT_FALSE(refused.headers.get("Retry-After").empty());
    for (int i = 0; i < 2; ++i) EXPECT_EQ(send(http::verb::get, "/hello").status, 200);
    EXPECT_EQ(send(http::verb::get, "/hello").status, 429);
}

TEST_F(narrow_edge, limits_who_guesses_credentials_by_address) {
    using fields = std::map<std::string, std::string>;
    const auto status = [&](fields shown, const char* from) { return send(http::verb::get, "/v1/stock/a", std::move(shown), {}, from).status; };
    const char* here = "203.0.113.9";
    EXPECT_EQ(status({{"Authorization", "Bearer nobody"}}, here), 401);
    EXPECT_EQ(status({{"X-Api-Key", "nobody"}}, here), 401);
    const auto asked = callers.asked;
    const auto refused = send(http::verb::get, "/v1/stock/a", {{"Authorization", "Bearer another"}}, {}, here);
    EXPECT_EQ(refused.status, 429);
    EXPECT_FALSE(refused.headers.get("Retry-After").empty());
    EXPECT_EQ(status(clerk, here), 429) << "a guess that is right is one, too";
    EXPECT_EQ(callers.asked, asked) << "nobody was asked";
    EXPECT_EQ(status({{"Authorization", "Bearer known"}}, here), 200) << "it was shown before";
    EXPECT_EQ(status(clerk, "203.0.113.10"), 200) << "from another address";
    EXPECT_EQ(send(http::verb::get, "/hello", {}, {}, here).status, 200) << "who shows none has a limit of its own";
}

TEST_F(narrow_edge, allows_the_origins_it_knows) {
    const auto preflight = [&](const char* origin) {
        return send(http::verb::options, "/v1/stock/a", {{"Origin", origin}, {"Access-Control-Request-Method", "GET"}});
    };
    EXPECT_EQ(preflight("https://shop.example").headers.get("Access-Control-Allow-Origin"), "https://shop.example");
    EXPECT_TRUE(preflight("https://evil.example").headers.get("Access-Control-Allow-Origin").empty());
    EXPECT_TRUE(preflight("https://evil.example").headers.get("Access-Control-Allow-Methods").empty());
}

}  // namespace
}  // namespace bv::gateway
