#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "platform/exporters/log_shipper.hpp"
#include "platform/exporters/otlp.pb.h"
#include "platform/exporters/span_shipper.hpp"
#include "platform/net/http/raw_client.hpp"
#include "platform/telemetry/semconv.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::exporters {
namespace {

using http::testing::running_server;

void eventually(const std::function<bool()>& what) {
    for (int i = 0; i < 20'000 && !what(); ++i) std::this_thread::sleep_for(milliseconds(1));
    ASSERT_TRUE(what());
}

// A collector that gives the answers of a script, then 200; it remembers what it was sent.
struct collector {
    std::mutex mutex;
    std::vector<http::response> script;
    std::vector<http::request> seen;
    running_server server{[this](http::request& r) { return answer(r); }};

    task<http::response> answer(http::request& r) {
        const std::scoped_lock lock(mutex);
        seen.push_back(r);
        http::response out{.content_type = "application/x-protobuf"};
        if (seen.size() <= script.size()) out = script[seen.size() - 1];
        co_return out;
    }
    std::size_t requests() {
        const std::scoped_lock lock(mutex);
        return seen.size();
    }
    http::request request(std::size_t i) {
        const std::scoped_lock lock(mutex);
        return seen.at(i);
    }
};

std::uint64_t dropped(std::string_view signal, std::string_view reason) {
    return telemetry::count("telemetry_export_dropped_total", "", {{"signal", signal}, {"reason", reason}}).value();
}
std::uint64_t sent(std::string_view signal) { return telemetry::count("telemetry_export_sent_total", "", {{"signal", signal}}).value(); }

class shipping : public ::testing::Test {
protected:
    shipping() { runtime_.start(); }
    ~shipping() override {
        stop();
        runtime_.stop();
        runtime_.join();
    }
    delivery_options to_collector() {
        delivery_options o;
        o.to.peer.port = peer_.server.port();
        o.to.target = "/in";
        o.linger = milliseconds(500);
        o.give_up = seconds(60);
        o.backoff = {.first = milliseconds(1'000), .longest = milliseconds(8'000)};
        return o;
    }
    void start(log_shipper_options o = {}) {
        o.delivery = to_collector();
        lines_.emplace(std::move(o), clock_, rng_);
        lines_->start(runtime_.context(0).get_executor());
        rests();
    }
    // Until the shipper waits for time to pass.
    void rests() {
        eventually([this] { return clock_.sleepers() > 0; });
    }
    void stop() {
        if (lines_) runtime_.block_on(lines_->stop(seconds(3)));
        lines_.reset();
    }
    void ship(std::string_view line) {
        lines_->take(line);
        clock_.advance(milliseconds(500));
    }

    collector peer_;
    testing::fake_clock clock_;
    seeded_rng rng_{7};
    bv::runtime runtime_{1};
    std::optional<log_shipper> lines_;
};

TEST_F(shipping, lines_go_as_one_bulk_request) {
    const auto before = sent("logs");
    start({.instance = "here:1"});
    lines_->take(R"({"time":"2026-01-01T00:00:00Z","event":"a"})");
    ship(R"({"time":"2026-01-01T00:00:01Z","event":"b"})");
    eventually([&] { return sent("logs") == before + 2; });
    const auto r = peer_.request(0);
    EXPECT_EQ(r.target, "/in");
    EXPECT_EQ(r.headers.get("VL-Msg-Field"), "event");
    EXPECT_EQ(r.body, "{\"create\":{\"_index\":\"bitvelocity\"}}\n"
                      "{\"service\":\"bitvelocity\",\"instance\":\"here:1\",\"time\":\"2026-01-01T00:00:00Z\",\"event\":\"a\"}\n"
                      "{\"create\":{\"_index\":\"bitvelocity\"}}\n"
                      "{\"service\":\"bitvelocity\",\"instance\":\"here:1\",\"time\":\"2026-01-01T00:00:01Z\",\"event\":\"b\"}\n");
}

TEST_F(shipping, what_the_store_refuses_of_a_bulk_is_counted) {
    const auto before = dropped("logs", "refused");
    peer_.script = {{.body = R"({"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400}}]})"}};
    start();
    lines_->take("{}");
    ship("{}");
    eventually([&] { return dropped("logs", "refused") == before + 1; });
}

TEST_F(shipping, is_repeated_when_the_peer_says_and_not_before) {
    const auto before = sent("logs");
    http::response busy{.status = 503};
    busy.headers.add("Retry-After", "20");
    peer_.script = {busy};
    start();
    ship(R"({"n":1})");
    eventually([&] { return peer_.requests() == 1; });
    rests();
    clock_.advance(milliseconds(19'900));
    EXPECT_EQ(peer_.requests(), 1u);
    clock_.advance(milliseconds(200));
    eventually([&] { return sent("logs") == before + 1; });
    EXPECT_EQ(peer_.request(0).body, peer_.request(1).body);
}

TEST_F(shipping, is_given_up_in_the_end) {
    const auto before = dropped("logs", "gave_up");
    peer_.script.assign(100, {.status = 502});
    start();
    ship(R"({"n":1})");
    eventually([&] {
        clock_.advance(milliseconds(500));
        return dropped("logs", "gave_up") == before + 1;
    });
    EXPECT_GT(peer_.requests(), 3u);
    EXPECT_LT(peer_.requests(), 100u);
}

TEST_F(shipping, a_refusal_is_not_repeated) {
    const auto before = dropped("logs", "refused");
    peer_.script = {{.status = 400}};
    start();
    ship(R"({"n":1})");
    eventually([&] { return dropped("logs", "refused") == before + 1; });
    EXPECT_EQ(peer_.requests(), 1u);
}

TEST_F(shipping, a_full_queue_drops_the_new_and_counts_it) {
    const auto before = dropped("logs", "queue_full");
    start({.queue = {.items = 2, .bytes = 1'000}});
    for (int i = 0; i < 5; ++i) lines_->take("{}");
    EXPECT_EQ(dropped("logs", "queue_full"), before + 3);
}

TEST_F(shipping, a_stop_sends_what_is_due) {
    const auto before = sent("logs");
    start();
    lines_->take("{}");
    stop();
    EXPECT_EQ(sent("logs"), before + 1);
}

TEST_F(shipping, spans_go_by_service_to_a_collector) {
    span_shipper_options o{.delivery = to_collector(), .instance = "here:1"};
    o.delivery.gzip = true;
    o.delivery.authorization = "Bearer x";
    const auto before = sent("traces");
    peer_.script = {{.content_type = "application/x-protobuf", .body = std::string("\x0a\x02\x08\x01", 4)}};  // one rejected
    const auto refused = dropped("traces", "refused");
    const auto shipper = std::make_shared<span_shipper>(std::move(o), clock_, rng_);
    shipper->start(runtime_.context(0).get_executor());
    rests();
    auto root = std::make_shared<telemetry::span_record>();
    root->id = {1};
    root->attributes.push_back({std::string(telemetry::semconv::service_name), "order"});
    auto child = std::make_shared<telemetry::span_record>();
    child->id = {2};
    child->parent = {1};
    const std::vector<telemetry::finished_span> spans{child, root};
    shipper->export_spans(spans);
    clock_.advance(milliseconds(500));
    eventually([&] { return sent("traces") == before + 1; });
    EXPECT_EQ(dropped("traces", "refused"), refused + 1);
    EXPECT_EQ(peer_.request(0).headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(peer_.request(0).headers.get("Authorization"), "Bearer x");
    EXPECT_EQ(peer_.request(0).headers.get("Content-Type"), "application/x-protobuf");
    runtime_.block_on(shipper->stop(seconds(1)));
}

TEST(otlp_encoding, keeps_what_a_span_tells) {
    auto s = std::make_shared<telemetry::span_record>();
    s->trace = {1, 2, 3};
    s->id = {4};
    s->parent = {5};
    s->kind = telemetry::span_kind::client;
    s->name = "GET /";
    s->failed = true;
    s->status_message = "away";
    s->start = time_point(microseconds(1'000'000));
    s->duration = std::chrono::nanoseconds(1'500);
    s->attributes = {{"text", std::string("a")}, {"number", std::int64_t{-3}}, {std::string(telemetry::semconv::service_name), std::string("order")}};
    s->links = {{.trace = {7}, .span = {8}}};
    otlp::ExportTraceServiceRequest r;
    ASSERT_TRUE(r.ParseFromString(encode_spans(with_services({s}, "none"), "here:1")));
    ASSERT_EQ(r.resource_spans_size(), 1);
    EXPECT_EQ(r.resource_spans(0).resource().attributes(0).value().string_value(), "order");
    EXPECT_EQ(r.resource_spans(0).resource().attributes(1).value().string_value(), "here:1");
    const auto& out = r.resource_spans(0).scope_spans(0).spans(0);
    EXPECT_EQ(out.trace_id().size(), 16u);
    EXPECT_EQ(out.span_id(), std::string("\4\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(out.parent_span_id(), std::string("\5\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(out.kind(), otlp::Span::CLIENT);
    EXPECT_EQ(out.end_time_unix_nano() - out.start_time_unix_nano(), 1'500u);
    EXPECT_EQ(out.start_time_unix_nano(), 1'000'000'000u);
    EXPECT_EQ(out.status().code(), otlp::Status::ERROR);
    EXPECT_EQ(out.status().message(), "away");
    ASSERT_EQ(out.attributes_size(), 2);
    EXPECT_EQ(out.attributes(1).value().int_value(), -3);
    EXPECT_EQ(out.links_size(), 1);
}

TEST(otlp_encoding, a_span_belongs_to_the_service_above_it) {
    auto a = std::make_shared<telemetry::span_record>();
    a->id = {1};
    a->attributes.push_back({std::string(telemetry::semconv::service_name), "order"});
    auto b = std::make_shared<telemetry::span_record>();
    b->id = {2}, b->parent = {1};
    auto c = std::make_shared<telemetry::span_record>();
    c->id = {3}, c->parent = {2};
    auto stranger = std::make_shared<telemetry::span_record>();
    stranger->id = {4}, stranger->parent = {9};
    const auto owned = with_services({c, b, a, stranger}, "none");
    EXPECT_EQ(owned[0].service, "order");
    EXPECT_EQ(owned[1].service, "order");
    EXPECT_EQ(owned[3].service, "none");
}

}  // namespace
}  // namespace bv::exporters
