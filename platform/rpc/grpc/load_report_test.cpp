#include "platform/rpc/grpc/load_report.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "platform/runtime/scope.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::rpc::grpc {
namespace {

TEST(load_report, is_read_as_it_was_written) {
    const load_report r{.cpu = 0.821, .memory = 0.5847, .application = 1.5, .calls_per_second = 1234.5, .failures_per_second = 0.25, .request_cost = {{"cost", 3456.32}},
                        .utilization = {{"util", 0.30499}, {"", -1}}, .named = {{"a", 1e300}}};
    const auto back = decode_load_report(encode(r));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, r);
    EXPECT_EQ(encode({}), "");
    EXPECT_EQ(*decode_load_report(""), load_report{});
}

// As protoc --encode writes xds.data.orca.v3.OrcaLoadReport{cpu_utilization: 0.5, utilization: {key: "q" value: 2}}.
TEST(load_report, is_written_as_others_read_it) {
    using namespace std::string_literals;
    EXPECT_EQ(encode({.cpu = 0.5, .utilization = {{"q", 2}}}), "\x09\0\0\0\0\0\0\xe0\x3f\x2a\x0c\x0a\x01q\x11\0\0\0\0\0\0\0\x40"s);
}

TEST(load_report, of_broken_bytes_is_none) {
    const auto whole = encode({.cpu = 0.5, .utilization = {{"q", 2}}});
    EXPECT_FALSE(decode_load_report(whole.substr(0, 5)));
    EXPECT_FALSE(decode_load_report(whole.substr(0, whole.size() - 1)));
    EXPECT_TRUE(decode_load_report(whole + "\x78\x01"));  // a field of a later version
}

struct one_request final : incoming {
    explicit one_request(std::string bytes) : message(std::move(bytes)) {}
    std::optional<std::string> message;
    http::fields none;
    [[nodiscard]] const http::fields& metadata() const noexcept override { return none; }
    task<result<std::optional<std::string>>> next() override { co_return std::exchange(message, std::nullopt); }
};

struct sent final : outgoing {
    std::deque<load_report> all;
    std::size_t most = 100;
    task<bool> write(std::string_view message) override {
        all.push_back(decode_load_report(message).value());
        co_return all.size() < most;
    }
    void add_initial(std::string_view, std::string_view) override {}
    void add_trailing(std::string_view, std::string_view) override {}
};

struct load_stream : ::testing::Test {
    asio::io_context io;
    bv::testing::fake_clock time;
    sent out;
    int asked = 0;
    std::optional<result<void>> ended;

    static task<void> run(const streamed* m, context* ctx, incoming* in, outgoing* out, std::optional<result<void>>* ended) { *ended = co_await m->run(*ctx, *in, *out); }
    void for_request(std::string request, std::chrono::nanoseconds d) {
        const auto method = load_reports([this] { return load_report{.cpu = 0.1 * ++asked}; }, time);
        context ctx;
        one_request in(std::move(request));
        scope tasks("report");
        tasks.spawn(io.get_executor(), run(&method, &ctx, &in, &out, &ended));
        time.run_for(io, d);
        tasks.stop();
        time.run_for(io, {});
    }
};

TEST_F(load_stream, reports_at_once_and_then_as_often_as_asked) {
    for_request(encode_load_request(milliseconds(2'500)), seconds(10));
    EXPECT_EQ(out.all.size(), 5u);
    EXPECT_DOUBLE_EQ(out.all.front().cpu, 0.1);
    EXPECT_DOUBLE_EQ(out.all.back().cpu, 0.5);
}

TEST_F(load_stream, does_not_report_more_often_than_each_second) {
    for_request(encode_load_request(milliseconds(1)), seconds(10));
    EXPECT_EQ(out.all.size(), 11u);
}

TEST_F(load_stream, ends_when_the_client_has_gone) {
    out.most = 2;
    for_request(encode_load_request(seconds(1)), seconds(10));
    EXPECT_EQ(out.all.size(), 2u);
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->has_value());
}

TEST_F(load_stream, refuses_what_is_no_request) {
    for_request("\x0a\x05", seconds(1));
    ASSERT_TRUE(ended && !ended->has_value());
    EXPECT_EQ(ended->error().reason, "MALFORMED_MESSAGE");
}

}  // namespace
}  // namespace bv::rpc::grpc
