#include "bench/load/load.hpp"

#include <gtest/gtest.h>

#include "platform/net/http/server.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::load {
namespace {

using namespace std::chrono_literals;

// The first request stalls.
task<http::response> answer(http::request& r, std::shared_ptr<int> seen) {
    if ((*seen)++ == 0) co_await system_clock().sleep_for(300ms);
    co_return http::response{.status = r.path() == "/refused" ? 503 : 200, .body = "{}"};
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
    runtime threads{1};
    std::shared_ptr<int> seen = std::make_shared<int>(0);
    http::server server{threads, {.port = 0}, [s = seen](http::request& r) { return answer(r, s); }};
};

http::client_request get(std::uint64_t) { return {}; }

TEST(load, charges_a_stall_to_all_that_waited_behind_it) {
    stalling_server s;
    const auto open = run({.port = s.server.port(), .connections = 1, .rate = 100, .duration = 200ms}, get);
    EXPECT_EQ(open.answered, 20u) << "all arrivals of the time, though they were sent late";
    EXPECT_GE(open.latency.quantile_us(0.5), 200'000u) << "the one due after 100 ms waited for 200 more";
}

TEST(load, waits_for_each_answer_in_a_closed_loop) {
    stalling_server s;
    const auto closed = run({.port = s.server.port(), .connections = 1, .duration = 10s, .most_requests = 20}, get);
    EXPECT_EQ(closed.answered, 20u);
    EXPECT_GE(closed.latency.max_us(), 300'000u);
}

TEST(load, tells_what_was_not_answered_well) {
    stalling_server s;
    const auto refused = run({.port = s.server.port(), .connections = 1, .duration = 10s, .most_requests = 2},
                             [](std::uint64_t) { return http::client_request{.target = "/refused"}; });
    EXPECT_EQ(refused.answered, 0u);
    EXPECT_EQ(refused.others, (std::map<int, std::uint64_t>{{503, 2}}));
    EXPECT_EQ(refused.first_problem, "{}");
}

TEST(latencies, are_at_most_a_hundredth_too_high) {
    latencies all;
    for (int us = 1; us <= 100'000; ++us) all.add(std::chrono::microseconds(us));
    for (const double q : {0.1, 0.5, 0.99}) {
        EXPECT_GE(static_cast<double>(all.quantile_us(q)), q * 100'000);
        EXPECT_LE(static_cast<double>(all.quantile_us(q)), q * 100'000 * 1.01);
    }
    EXPECT_EQ(all.quantile_us(1), 100'000u);
    EXPECT_EQ(latencies{}.quantile_us(0.5), 0u);
}

}  // namespace
}  // namespace bv::load
