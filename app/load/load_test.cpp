#include "app/load/load.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/net/http/server.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::load {
namespace {

using namespace std::chrono_literals;

// The first request stalls.
task<http::response> answer(http::request& r, std::shared_ptr<int> seen) {
    if ((*seen)++ == 0) co_await system_clock().sleep_for(300ms);
    if (r.path() == "/refused") co_return http::response{.status = 503, .body = R"({"reason":"TOO_MUCH"})"};
    co_return http::response{.body = "{}"};
}

struct stalling_server {
    stalling_server() {
        threads.start();
        server.start();
    }
    ~stalling_server() {
        threads.block_on(server.drain(1s));
        threads.stop();
        threads.join();
    }
    [[nodiscard]] target here() const { return {.where = {.port = server.port()}}; }
    runtime threads{1};
    std::shared_ptr<int> seen = std::make_shared<int>(0);
    http::server server{threads, {.port = 0}, [s = seen](http::request& r) { return answer(r, s); }};
};

scenario asking(std::string path) {
    scenario s{.name = "test", .duration = 10s, .warm_up = 0s};
    s.calls = {{.name = "it", .target = std::move(path), .as = caller::anyone}};
    return s;
}

TEST(load, charges_a_stall_to_all_that_waited_behind_it) {
    stalling_server s;
    auto how = asking("/");
    how.callers = 1;
    how.rate = 100;
    how.duration = 200ms;
    const auto open = run(how, s.here());
    const auto all = open.total();
    EXPECT_EQ(all.answered, 20u) << "all arrivals of the time, though they were sent late";
    EXPECT_GE(all.latency.quantile_us(0.5), 200'000u) << "the one due after 100 ms waited for 200 more";
    EXPECT_GE(open.generator.waited, 10u) << "and it says that they waited";
    EXPECT_LT(all.in_time, all.answered) << "what came after the time is no part of the rate";
}

TEST(load, waits_for_each_answer_in_a_closed_loop) {
    stalling_server s;
    auto how = asking("/");
    how.callers = 1;
    how.most_arrivals = 20;
    const auto closed = run(how, s.here());
    EXPECT_EQ(closed.total().answered, 20u);
    EXPECT_GE(closed.total().latency.max_us(), 300'000u);
    EXPECT_EQ(closed.generator.waited, 0u);
}

TEST(load, tells_what_was_not_answered_well) {
    stalling_server s;
    auto how = asking("/refused");
    how.most_arrivals = 2;
    const auto refused = run(how, s.here());
    EXPECT_EQ(refused.total().answered, 0u);
    EXPECT_EQ(refused.total().errors, (std::map<std::string, std::uint64_t>{{"503 TOO_MUCH", 2}}));
    EXPECT_EQ(refused.total().first_problem, R"({"reason":"TOO_MUCH"})");
    EXPECT_EQ(refused.failed_share(), 1);
}

TEST(load, counts_what_nobody_answers) {
    auto how = asking("/");
    how.most_arrivals = 3;
    how.callers = 1;
    target nobody{.where = {.port = 1}};
    const auto out = run(how, nobody);
    EXPECT_EQ(out.total().errors, (std::map<std::string, std::uint64_t>{{"no answer: CONNECT_FAILED", 3}}));
}

TEST(load, leaves_the_warm_up_out) {
    stalling_server s;
    auto how = asking("/");
    how.rate = 100;
    how.warm_up = 400ms;  // the stall is in it
    how.duration = 200ms;
    const auto out = run(how, s.here());
    EXPECT_EQ(out.total().answered, 20u);
    EXPECT_LT(out.total().latency.quantile_us(0.5), 200'000u);
}

TEST(latencies, quantiles_are_at_most_a_hundredth_too_high) {
    EXPECT_TRUE(rc::check([](std::vector<std::uint32_t> values) {
        RC_PRE(!values.empty());
        latencies all;
        for (const auto v : values) all.add(std::chrono::microseconds(v));
        std::ranges::sort(values);
        for (const double q : {0.0, 0.5, 0.9, 0.99, 1.0}) {
            const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))));
            const double exact = values[rank - 1];
            const auto got = static_cast<double>(all.quantile_us(q));
            RC_ASSERT(got >= exact && got <= exact * 1.01 + 1);
        }
        RC_ASSERT(all.quantile_us(1) == values.back() && all.max_us() == values.back());
    }));
}

TEST(latencies, take_any_value) {
    latencies all;
    EXPECT_EQ(all.quantile_us(0.5), 0u);
    all.add(-5ms);
    all.add(std::chrono::nanoseconds::max());
    EXPECT_EQ(all.quantile_us(0), 0u);
    EXPECT_EQ(all.quantile_us(1), all.max_us());
}

TEST(latencies, add_up) {
    latencies low, high;
    low.add(1ms);
    high.add(9ms);
    low.add(high);
    EXPECT_EQ(low.count(), 2u);
    EXPECT_EQ(low.max_us(), 9'000u);
    EXPECT_EQ(low.mean_us(), 5'000);
}

}  // namespace
}  // namespace bv::load
