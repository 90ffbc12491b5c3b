#include <gtest/gtest.h>

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <google/protobuf/wrappers.pb.h>
#include <unistd.h>

#include "platform/net/http/client.hpp"
#include "platform/net/http/mutual_tls.hpp"
#include "platform/net/http/server.hpp"
#include "platform/rpc/message.hpp"
#include "platform/rpc/peer/caller_text.hpp"
#include "platform/rpc/peer/peer_channel.hpp"
#include "platform/rpc/peer/peer_listener.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/security/certificate_authority.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::rpc {
namespace {

using google::protobuf::StringValue;
using security::certificate_authority;

constexpr std::string_view domain = "shop.example";

struct seen {
    context last{};
    int calls = 0;
    std::shared_ptr<waiter> until = waiter::make();  // what "wait" waits for
};

// Answers with what it was sent, or refuses.
task<result<void>> echo(void* service, context& ctx, std::string_view bytes, std::string& out) {
    auto& s = *static_cast<seen*>(service);
    s.last = ctx;
    ++s.calls;
    StringValue text;
    if (auto parsed = parse_message(bytes, text); !parsed) co_return parsed;
    if (text.value() == "break") throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "it is away");
    if (text.value() == "refuse") {
        auto no = fail(code::failed_precondition, "NO", "not \"now\":\n3:x");
        no.error().violations = {{"lines[0].sku", "is unknown"}};
        no.error().retry_after = milliseconds(250);
        co_return no;
    }
    if (text.value() == "wait") co_await s.until->wait();
    ctx.etag = "v7";
    out += bytes;
    co_return result<void>{};
}

constexpr std::string_view only_order[] = {"order"}, internal[] = {"platform.internal"};
constexpr method methods[] = {{"shop.v1.Basket", "Fill", {false, {}, only_order}, true, false, {}, nullptr, "/shop.v1.Basket/Fill", &echo},
                              {"shop.v1.Basket", "Count", {false, internal, only_order}, true, false, {}, nullptr, "/shop.v1.Basket/Count", &echo}};

class places final : public directory {
public:
    std::vector<address> find(std::string_view) override { return known; }
    std::vector<address> known;
};

http::tls_identity as_tls(const security::svid& s) { return {s.certificate, s.private_key, s.trust}; }

class PeerTest : public testing::Test {
protected:
    PeerTest() {
        rt_.start();
        listener_.add(served{&service_, methods});
        listener_.add({"GET", "/spans", [](http::request&) { return page(); }});
        listener_.add_open({"GET", "/readyz", [](http::request&) { return page(); }});
        server_ = std::make_unique<http::server>(rt_, http::server_options{.peers = tls_of("basket")}, listener_.handler());
        server_->start();
        directory_.known = {{"127.0.0.1", server_->port()}};
    }
    ~PeerTest() override {
        rt_.block_on(server_->drain(milliseconds(100)));
        rt_.stop();
        rt_.join();
    }
    static task<http::response> page() { co_return http::response{.body = "here"}; }
    security::svid issue(std::string_view role, const certificate_authority& by) { return by.issue({std::string(domain), '/' + std::string(role)}, system_clock().now(), seconds(600)); }
    std::shared_ptr<http::mutual_tls> tls_of(std::string_view role) { return std::make_shared<http::mutual_tls>(as_tls(issue(role, authority_))); }
    peer_identity identity_of(std::string_view role) { return {std::string(domain), tls_of(role)}; }

    static task<result<std::string>> ask(peer_channel* c, const method* m, context* ctx, std::string text) {
        StringValue request, reply;
        request.set_value(std::move(text));
        const auto done = co_await c->unary(*m, request, reply, *ctx);
        if (!done) co_return std::unexpected(done.error());
        co_return reply.value();
    }
    result<std::string> call(peer_channel& c, std::string text, const method& m = methods[0]) { return rt_.block_on(ask(&c, &m, &ctx_, std::move(text))); }
    // Over a channel of its own. What is thrown is an error, too.
    result<std::string> call(std::string text, peer_identity as, const method& m = methods[0], std::string to = "basket") {
        peer_channel c(std::move(to), directory_, std::move(as), system_clock(), system_rng());
        result<std::string> out;
        try {
            out = call(c, std::move(text), m);
        } catch (const failure& f) {
            out = std::unexpected(f.error());
        }
        rt_.block_on(c.close());
        return out;
    }
    result<std::string> call(std::string text) { return call(std::move(text), identity_of("order")); }
    std::string refusal(peer_identity as, const method& m = methods[0], std::string to = "basket") {
        const auto r = call("hello", std::move(as), m, std::move(to));
        return r ? "" : r.error().reason;
    }
    // What the server logs meanwhile, and until it has ended.
    template <class Do>
    std::string logged(Do act) {
        char name[] = "/tmp/bv_peer_log_XXXXXX";
        const int file = ::mkstemp(name);
        telemetry::set_log_descriptor(file);
        act();
        rt_.block_on(server_->drain(milliseconds(100)));
        telemetry::set_log_descriptor(2);
        ::close(file);
        std::ifstream in(name);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        ::unlink(name);
        return text;
    }

    bv::runtime rt_{1};
    certificate_authority authority_ = certificate_authority::make(domain, system_clock().now());
    seen service_;
    peer_listener listener_{std::string(domain), "gateway", system_clock()};
    std::unique_ptr<http::server> server_;
    places directory_;
    context ctx_ = context::for_service("whatever it says");
};

TEST_F(PeerTest, ACallCarriesItsContextThereAndTheTagBack) {
    ctx_.idempotency_key = "k-1", ctx_.if_match = "v6", ctx_.request_id = "r-1", ctx_.remote_address = "10.0.0.9";
    ctx_.deadline = system_clock().steady_now() + seconds(20);
    EXPECT_EQ(call("hello").value(), "hello");
    EXPECT_EQ(ctx_.etag, "v7");
    const auto& there = service_.last;
    EXPECT_EQ(there.caller.actor(), "service:order");
    EXPECT_EQ(there.idempotency_key, "k-1");
    EXPECT_EQ(there.if_match, "v6");
    EXPECT_EQ(there.request_id, "r-1");
    EXPECT_EQ(there.remote_address, "10.0.0.9");
    EXPECT_LT(there.deadline, system_clock().steady_now() + seconds(25)) << "its own, not that of calls without one";
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

TEST_F(PeerTest, ACertificateThatIsNotGoodOpensNoConnection) {
    const auto stranger = certificate_authority::make(domain, system_clock().now());
    auto of_stranger = as_tls(issue("order", stranger));
    of_stranger.trust = issue("order", authority_).trust;  // it trusts the others, they do not trust it
    const auto old = authority_.issue({std::string(domain), "/order"}, system_clock().now() - seconds(7200), seconds(3600));
    const auto log = logged([&] {
        EXPECT_EQ(refusal({std::string(domain), std::make_shared<http::mutual_tls>(as_tls(old))}), "SERVICE_UNAVAILABLE");
        EXPECT_EQ(refusal({std::string(domain), std::make_shared<http::mutual_tls>(of_stranger)}), "SERVICE_UNAVAILABLE");
    });
    EXPECT_NE(log.find("certificate has expired"), log.npos) << log;
    EXPECT_NE(log.find("unable to get local issuer certificate"), log.npos) << log;
    EXPECT_EQ(service_.last.caller.kind, caller_kind::anonymous) << "the service was not called";
}

// TLS looks at a certificate once, when the connection begins; each call that comes over it later is looked at here.
TEST_F(PeerTest, AConnectionOutlivesItsCertificateAndIsHeardNoMore) {
    const auto answered_until = [&](time_point not_after) {
        http::request r{.verb_text = "GET", .target = "/spans", .peer = std::make_shared<const http::tls_peer>(http::tls_peer{"spiffe://shop.example/gateway", not_after})};
        return rt_.block_on(listener_.handler()(r));
    };
    const auto now = system_clock().now();
    EXPECT_EQ(answered_until(now + seconds(600)).status, 200);
    const auto log = logged([&] {
        const auto late = answered_until(now - seconds(1));
        EXPECT_EQ(late.status, 401);
        EXPECT_NE(late.body.find("PEER_EXPIRED"), late.body.npos) << late.body;
    });
    EXPECT_NE(log.find("The certificate of spiffe://shop.example/gateway ended at"), log.npos) << log;
}

TEST_F(PeerTest, WithoutACertificateOnlyProbesAreAnswered) {
    http::client plain({.port = server_->port()}), known({.port = server_->port(), .peers = tls_of("gateway")}), other({.port = server_->port(), .peers = tls_of("order")});
    const auto status = [&](http::client& c, std::string path) { return rt_.block_on(c.send({.target = std::move(path)})).status; };
    grpc::channel nameless({.name = "basket", .instances = {{"127.0.0.1", server_->port()}}, .caller_text = &caller_text}, system_clock(), system_rng());
    const auto log = logged([&] {
        EXPECT_EQ(status(plain, "/readyz"), 200);
        EXPECT_EQ(status(plain, "/spans"), 401);
        EXPECT_EQ(status(known, "/spans"), 200);
        EXPECT_EQ(status(other, "/spans"), 403) << "routes beside the contracts are the edge's";
        StringValue request, reply;
        const auto done = rt_.block_on(nameless.unary(methods[0], request, reply, ctx_));
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().reason, "PEER_UNKNOWN");
        rt_.block_on(nameless.close());
    });
    EXPECT_NE(log.find(R"("path":"/shop.v1.Basket/Fill","peer":"none")"), log.npos) << log;
}

TEST_F(PeerTest, TheContractSaysWhichServicesMayCall) {
    const auto log = logged([&] {
        EXPECT_EQ(refusal(identity_of("gateway")), "") << "users may call it, and the edge calls for them";
        EXPECT_EQ(refusal(identity_of("gateway"), methods[1]), "CALLER_NOT_ALLOWED") << "it is for services only";
        EXPECT_EQ(refusal(identity_of("order"), methods[1]), "");
        EXPECT_EQ(refusal(identity_of("product")), "CALLER_NOT_ALLOWED");
        const auto elsewhere = authority_.issue({"other.example", "/order"}, system_clock().now(), seconds(600));
        EXPECT_EQ(refusal({std::string(domain), std::make_shared<http::mutual_tls>(as_tls(elsewhere))}), "PEER_UNKNOWN");
    });
    EXPECT_NE(log.find("spiffe://shop.example/product"), log.npos) << log;
    EXPECT_NE(log.find("spiffe://other.example/order is no service of shop.example"), log.npos) << log;
}

TEST_F(PeerTest, WhoIsCalledMustBeTheRoleThatWasMeant) {
    // The directory sends a call for payment to a basket.
    const auto log = logged([&] { EXPECT_EQ(refusal(identity_of("order"), methods[0], "payment"), "SERVICE_UNAVAILABLE"); });
    EXPECT_NE(log.find("spiffe://shop.example/basket is there, not spiffe://shop.example/payment"), log.npos) << log;
}

TEST_F(PeerTest, ANewCertificateHoldsFromTheNextCallAndCutsNoneOff) {
    const auto own = identity_of("order");
    peer_channel c("basket", directory_, own, system_clock(), system_rng());
    auto waiting = asio::co_spawn(rt_.context(0), ask(&c, &methods[0], &ctx_, "wait"), asio::use_future);
    EXPECT_EQ(call(c, "hello").value(), "hello") << "after the first on its connection";
    own.tls->replace(as_tls(issue("product", authority_)));
    EXPECT_EQ(call(c, "hello").error().reason, "CALLER_NOT_ALLOWED") << "the new certificate is another role's";
    own.tls->replace(as_tls(issue("order", authority_)));
    EXPECT_EQ(call(c, "hello").value(), "hello");
    service_.until->wake();
    EXPECT_EQ(waiting.get().value(), "wait") << "it went on over the first connection";
    rt_.block_on(c.close());
}

TEST_F(PeerTest, AProcessThatRefusesTheConnectionIsPassedOver) {
    // Nobody listens on port 1.
    directory_.known = {{"127.0.0.1", 1}, {"127.0.0.1", server_->port()}};
    for (int i = 0; i < 4; ++i) EXPECT_EQ(call("hello").value(), "hello");
    directory_.known = {{"127.0.0.1", 1}};
    EXPECT_EQ(call("hello").error().reason, "SERVICE_UNAVAILABLE");
    directory_.known.clear();
    EXPECT_EQ(call("hello").error().reason, "SERVICE_UNAVAILABLE");
}

// The one that stands still has a call under way, and the others go where there are none; when both have none, to each in turn.
TEST_F(PeerTest, AProcessThatIsSlowIsGivenFewerCalls) {
    seen other;
    peer_listener listener(std::string(domain), "gateway", system_clock());
    listener.add(served{&other, methods});
    http::server second(rt_, http::server_options{.peers = tls_of("basket")}, listener.handler());
    second.start();
    directory_.known = {{"127.0.0.1", server_->port()}, {"127.0.0.1", second.port()}};
    peer_channel c("basket", directory_, identity_of("order"), system_clock(), system_rng());
    auto waiting = asio::co_spawn(rt_.context(0), ask(&c, &methods[0], &ctx_, "wait"), asio::use_future);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(call(c, "hello").value(), "hello");
    EXPECT_EQ(std::pair(service_.calls, other.calls), std::pair(1, 6));
    service_.until->wake();
    EXPECT_EQ(waiting.get().value(), "wait");
    for (int i = 0; i < 6; ++i) EXPECT_EQ(call(c, "hello").value(), "hello");
    EXPECT_EQ(std::pair(service_.calls, other.calls), std::pair(4, 9));
    rt_.block_on(c.close());
    rt_.block_on(second.drain(milliseconds(100)));
}

// The machine's clock, which a test may set forward.
class forward_clock final : public clock {
public:
    [[nodiscard]] time_point now() const override { return system_clock().now(); }
    [[nodiscard]] steady_point steady_now() const override { return system_clock().steady_now() + ahead_.load(); }
    task<void> sleep_until(steady_point at) override { return system_clock().sleep_until(at - ahead_.load()); }
    std::unique_ptr<timer> make_timer(asio::any_io_executor on) override { return system_clock().make_timer(std::move(on)); }
    void set_forward(seconds by) { ahead_ = by; }

private:
    std::atomic<std::chrono::nanoseconds> ahead_{};
};

// The other one works all the time, so nobody needs it.
TEST_F(PeerTest, AProcessThatWasAwayIsCalledAgain) {
    forward_clock time;
    const auto port = keep_loopback_port(0);
    directory_.known = {{"127.0.0.1", port}, {"127.0.0.1", server_->port()}};
    peer_channel c("basket", directory_, identity_of("order"), time, system_rng());
    for (int i = 0; i < 60; ++i) {
        try {
            (void)call(c, "hello");
        } catch (const failure&) {
            // The budget for repeats is spent before the breaker opens.
        }
    }
    service_.calls = 0;
    for (int i = 0; i < 6; ++i) EXPECT_EQ(call(c, "hello").value(), "hello");
    EXPECT_EQ(service_.calls, 6) << "its breaker is open";
    seen back;
    peer_listener listener(std::string(domain), "gateway", system_clock());
    listener.add(served{&back, methods});
    http::server again(rt_, http::server_options{.port = port, .peers = tls_of("basket")}, listener.handler());
    again.start();
    time.set_forward(seconds(20));
    for (int i = 0; i < 12; ++i) EXPECT_EQ(call(c, "hello").value(), "hello");
    EXPECT_GT(back.calls, 3) << "the breaker tried it, and is closed";
    rt_.block_on(c.close());
    rt_.block_on(again.drain(milliseconds(100)));
}

}  // namespace
}  // namespace bv::rpc
