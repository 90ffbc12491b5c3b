#include <gtest/gtest.h>

#include <google/protobuf/wrappers.pb.h>

#include "platform/net/http/server.hpp"
#include "platform/rpc/message.hpp"
#include "platform/rpc/peer/peer_channel.hpp"
#include "platform/rpc/peer/peer_listener.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::rpc {
namespace {

using google::protobuf::StringValue;

struct seen {
    context last{};
};

// Answers with what it was sent, or refuses.
task<result<void>> echo(void* service, context& ctx, std::string_view bytes, std::string& out) {
    static_cast<seen*>(service)->last = ctx;
    StringValue text;
    if (auto parsed = parse_message(bytes, text); !parsed) co_return parsed;
    if (text.value() == "break") throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "it is away");
    if (text.value() == "refuse") {
        auto no = fail(code::failed_precondition, "NO", "not \"now\":\n3:x");
        no.error().violations = {{"lines[0].sku", "is unknown"}};
        no.error().retry_after = milliseconds(250);
        co_return no;
    }
    ctx.etag = "v7";
    out += bytes;
    co_return result<void>{};
}

constexpr method methods[] = {{"shop.v1.Basket", "Fill", {}, true, false, {}, nullptr, "/shop.v1.Basket/Fill", &echo}};

class places final : public directory {
public:
    std::vector<address> find(std::string_view) override { return known; }
    std::vector<address> known;
};

class PeerTest : public testing::Test {
protected:
    PeerTest() {
        rt_.start();
        listener_.add(served{&service_, methods});
        server_ = std::make_unique<http::server>(rt_, http::server_options{}, listener_.handler());
        server_->start();
        directory_.known = {{"127.0.0.1", server_->port()}};
    }
    ~PeerTest() override {
        rt_.block_on(server_->drain(milliseconds(100)));
        rt_.stop();
        rt_.join();
    }
    static task<result<std::string>> call(peer_channel* c, context* ctx, std::string text) {
        StringValue request, reply;
        request.set_value(std::move(text));
        result<void> done;
        std::exception_ptr broken;
        try {
            done = co_await c->unary(methods[0], request, reply, *ctx);
        } catch (const failure&) {
            broken = std::current_exception();
        }
        co_await c->close();
        if (broken) std::rethrow_exception(broken);
        if (!done) co_return std::unexpected(done.error());
        co_return reply.value();
    }
    result<std::string> call(std::string text, const std::string& key = "the key") {
        peer_channel c("basket", directory_, key, system_clock(), system_rng());
        return rt_.block_on(call(&c, &ctx_, std::move(text)));
    }

    bv::runtime rt_{1};
    seen service_;
    peer_listener listener_{"the key", system_clock()};
    std::unique_ptr<http::server> server_;
    places directory_;
    context ctx_ = context::for_service("orders");
};

TEST_F(PeerTest, ACallCarriesItsContextThereAndTheTagBack) {
    ctx_.idempotency_key = "k-1", ctx_.if_match = "v6", ctx_.request_id = "r-1", ctx_.remote_address = "10.0.0.9";
    ctx_.deadline = system_clock().steady_now() + seconds(20);
    EXPECT_EQ(call("hello").value(), "hello");
    EXPECT_EQ(ctx_.etag, "v7");
    const auto& there = service_.last;
    EXPECT_EQ(there.caller.actor(), "service:orders");
    EXPECT_EQ(there.idempotency_key, "k-1");
    EXPECT_EQ(there.if_match, "v6");
    EXPECT_EQ(there.request_id, "r-1");
    EXPECT_EQ(there.remote_address, "10.0.0.9");
    EXPECT_LE(there.deadline, ctx_.deadline + milliseconds(1));
    EXPECT_GT(there.deadline, system_clock().steady_now() + seconds(1));
}

TEST_F(PeerTest, ARefusalComesBackWhole) {
    const auto r = call("refuse");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, code::failed_precondition);
    EXPECT_EQ(r.error().reason, "NO");
    EXPECT_EQ(r.error().message, "not \"now\":\n3:x");
    ASSERT_EQ(r.error().violations.size(), 1u);
    EXPECT_EQ(r.error().violations[0].field, "lines[0].sku");
    EXPECT_EQ(r.error().retry_after, milliseconds(250));
}

TEST_F(PeerTest, WhatBreaksThereIsAnErrorHere) {
    const auto r = call("break");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().reason, "DATABASE_UNAVAILABLE");
}

TEST_F(PeerTest, AnotherKeyIsRefused) {
    const auto r = call("hello", "another key");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().reason, "CALL_FORGED");
    EXPECT_EQ(service_.last.caller.kind, caller_kind::anonymous) << "the service was not called";
}

TEST_F(PeerTest, AProcessThatRefusesTheConnectionIsPassedOver) {
    // Nobody listens on port 1.
    directory_.known = {{"127.0.0.1", 1}, {"127.0.0.1", server_->port()}};
    for (int i = 0; i < 4; ++i) EXPECT_EQ(call("hello").value(), "hello");
    directory_.known = {{"127.0.0.1", 1}};
    EXPECT_THROW((void)call("hello"), failure);
    directory_.known.clear();
    EXPECT_THROW((void)call("hello"), failure);
}

}  // namespace
}  // namespace bv::rpc
