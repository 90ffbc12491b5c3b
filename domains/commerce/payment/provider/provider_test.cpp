#include "domains/commerce/payment/provider/provider.hpp"

#include <filesystem>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/net/http/client.hpp"
#include "platform/net/http/server.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/security/hmac_signature.hpp"

namespace bv::payment_provider {
namespace {

using http::client_response;

class provider_http : public testing::Test {
protected:
    provider_http() { machine_.start(); }
    ~provider_http() override {
        stop();
        std::filesystem::remove_all(folder_);
    }

    void start(behaviour how = {}, std::string callback_url = {}) {
        options o{.journal_file = folder_ / "journal", .sync = false, .api_key = "key", .behaviour = how};
        o.callback.url = std::move(callback_url);
        o.callback.secret = "secret";
        o.callback.gather = milliseconds(1);
        provider_ = std::make_unique<server>(machine_, system_clock(), std::move(o));
        machine_.block_on(run_start(provider_.get()));
        client_ = std::make_unique<http::client>(http::client_options{.port = provider_->port()});
    }
    void stop() {
        if (!provider_) return;
        machine_.block_on(provider_->stop(milliseconds(500)));
        client_.reset();
        provider_.reset();
    }
    static task<void> run_start(server* s) {
        s->start();
        co_return;
    }
    client_response send(http::verb v, std::string target, std::string key = {}, std::string body = {}) {
        http::client_request r{.verb = v, .target = std::move(target), .body = std::move(body)};
        r.headers.add("authorization", "Bearer key");
        if (!key.empty()) r.headers.add("idempotency-key", key);
        return machine_.block_on(client_->send(std::move(r)));
    }
    client_response authorise(std::string key, std::string method = "card_ok") {
        return send(http::verb::post, "/v1/authorisations", std::move(key),
                    R"({"amount":{"currency":"GBP","minor_units":1000},"payment_method":")" + method + R"(","reference":"o-1"})");
    }

    runtime machine_{2};
    std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("bv-provider-test-" + std::to_string(::getpid()));
    std::unique_ptr<server> provider_;
    std::unique_ptr<http::client> client_;
};

TEST_F(provider_http, keeps_what_it_acknowledged_over_a_restart) {
    start();
    EXPECT_EQ(authorise("a1").status, 200);
    EXPECT_EQ(send(http::verb::post, "/v1/captures", "c1", R"({"authorisation":"pa_1","amount":{"currency":"GBP","minor_units":1000}})").status, 200);
    const auto before = send(http::verb::get, "/v1/operations?after=0").body;
    stop();
    std::ofstream(folder_ / "journal", std::ios::app) << "0badc0de\t3\ttorn";
    start();
    EXPECT_EQ(send(http::verb::get, "/v1/operations?after=0").body, before);
    EXPECT_EQ(send(http::verb::get, "/v1/totals").body, R"({"captured":{"GBP":1000},"refunded":{}})");
    EXPECT_EQ(authorise("a2").status, 200);  // and goes on after the torn line
    stop();
    start();
    EXPECT_NE(send(http::verb::get, "/v1/operations/a2").body.find("\"sequence\":3"), std::string::npos);
}

TEST_F(provider_http, refuses_to_start_on_a_damaged_journal) {
    start();
    authorise("a1");
    authorise("a2");
    stop();
    std::fstream file(folder_ / "journal", std::ios::in | std::ios::out);
    file.seekp(12);
    file.put('#');
    file.close();
    EXPECT_THROW(start(), failure);
}

TEST_F(provider_http, a_lost_answer_was_done_and_is_given_when_asked_again) {
    start();
    EXPECT_THROW(authorise("a1", "card_lost_answer"), failure);
    EXPECT_EQ(send(http::verb::get, "/v1/operations/a1").status, 200);
    EXPECT_EQ(authorise("a1", "card_lost_answer").status, 200);
}

TEST_F(provider_http, says_what_is_wrong_with_a_request) {
    start();
    EXPECT_EQ(send(http::verb::get, "/v1/operations/never").status, 404);
    EXPECT_EQ(send(http::verb::post, "/v1/captures", "c", "{").status, 400);
    EXPECT_EQ(send(http::verb::post, "/v1/voids", "v", R"({"authorisation":"pa_7"})").status, 404);
    authorise("a1");
    EXPECT_EQ(authorise("a1", "card_declined").status, 422);
    http::client_request anonymous{.target = "/v1/totals"};
    EXPECT_EQ(machine_.block_on(client_->send(anonymous)).status, 401);
    EXPECT_EQ(machine_.block_on(client_->send(http::client_request{.target = "/healthz"})).status, 200);
}

TEST_F(provider_http, behaves_as_it_is_told_at_run_time) {
    start();
    EXPECT_EQ(send(http::verb::put, "/v1/behaviour", {}, R"({"error_rate":1})").status, 200);
    EXPECT_EQ(authorise("a1").status, 503);
    EXPECT_EQ(send(http::verb::get, "/v1/operations/a1").status, 404);
    EXPECT_EQ(send(http::verb::put, "/v1/behaviour", {}, R"({"error_rate":2})").status, 400);
    send(http::verb::put, "/v1/behaviour", {}, R"({"error_rate":0,"decline_rate":1})");
    EXPECT_NE(authorise("a1").body.find("declined_by_issuer"), std::string::npos);
}

struct received {
    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<std::string> bodies;
    int refuse = 0;

    static task<http::response> answer(received* self, http::request* r) {
        const auto good = security::verify_body({"secret"}, r->headers.get(security::signature_header), r->body, system_clock().now());
        std::lock_guard lock(self->mutex);
        if (!good) co_return http::response{.status = 401};
        if (self->refuse-- > 0) co_return http::response{.status = 503};
        self->bodies.push_back(r->body);
        self->arrived.notify_all();
        co_return http::response{.status = 204};
    }
};

TEST_F(provider_http, calls_back_signed_twice_when_told_so_and_again_until_taken) {
    received in;
    in.refuse = 1;
    http::server merchant(machine_, {}, [&in](http::request& r) { return received::answer(&in, &r); });
    merchant.start();
    start({.duplicate_callback_rate = 1}, "http://127.0.0.1:" + std::to_string(merchant.port()) + "/callback");
    authorise("a1");
    {
        std::unique_lock lock(in.mutex);
        ASSERT_TRUE(in.arrived.wait_for(lock, seconds(20), [&] { return !in.bodies.empty(); }));
        const auto& body = in.bodies[0];
        EXPECT_NE(body.find("\"key\":\"a1\""), body.rfind("\"key\":\"a1\""));
    }
    machine_.block_on(merchant.drain(milliseconds(200)));
    stop();
}

}  // namespace
}  // namespace bv::payment_provider
