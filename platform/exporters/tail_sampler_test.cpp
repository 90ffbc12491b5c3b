#include "platform/exporters/tail_sampler.hpp"

#include <gtest/gtest.h>

namespace bv::exporters {
namespace {

using std::chrono::milliseconds;
using telemetry::finished_span;

class tail : public ::testing::Test {
protected:
    // A trace whose id is drawn at a share above `at`.
    static telemetry::trace_id a_trace(std::uint8_t number, double at) {
        telemetry::trace_id id{number};
        const auto low = static_cast<std::uint64_t>(at * 0x1.0p53) << 11;
        std::memcpy(id.data() + 8, &low, sizeof low);
        return id;
    }
    std::size_t add(telemetry::trace_id trace, bool failed = false, milliseconds took = milliseconds(1)) {
        auto s = std::make_shared<telemetry::span_record>();
        s->trace = trace;
        s->failed = failed;
        s->duration = took;
        std::vector<finished_span> out;
        sampler_.add(s, now_, out);
        return out.size();
    }
    void pass(std::chrono::nanoseconds d) {
        now_ += d;
        sampler_.expire(now_);
    }

    steady_point now_{seconds(1)};
    tail_sampler sampler_{{.share = 0.25, .wait = seconds(10), .remember = seconds(60), .most_held = 4}};
    telemetry::trace_id drawn_ = a_trace(1, 0.1), other_ = a_trace(2, 0.5);
};

TEST_F(tail, a_drawn_trace_goes_at_once) {
    EXPECT_EQ(add(drawn_), 1u);
    EXPECT_EQ(sampler_.held(), 0u);
}

TEST_F(tail, one_that_shows_nothing_is_held_and_let_go) {
    EXPECT_EQ(add(other_), 0u);
    EXPECT_EQ(sampler_.held(), 1u);
    pass(seconds(10));
    EXPECT_EQ(sampler_.held(), 0u);
    EXPECT_EQ(add(other_, true), 1u) << "what came before is gone";
}

TEST_F(tail, a_failure_brings_what_was_held_and_what_follows) {
    EXPECT_EQ(add(other_) + add(other_), 0u);
    EXPECT_EQ(add(other_, true), 3u);
    pass(seconds(10));
    EXPECT_EQ(add(other_), 1u) << "the same trace goes on after the wait";
    pass(seconds(50));
    EXPECT_EQ(add(other_), 0u) << "it is forgotten in the end";
}

TEST_F(tail, so_does_a_slow_span) {
    EXPECT_EQ(add(other_), 0u);
    EXPECT_EQ(add(other_, false, milliseconds(1'000)), 2u);
}

TEST_F(tail, the_oldest_go_when_too_much_is_held) {
    const auto third = a_trace(3, 0.9);
    add(other_), add(other_);
    for (int i = 0; i < 3; ++i) add(third);
    EXPECT_EQ(sampler_.held(), 3u);
    EXPECT_EQ(add(third, true), 4u);
    EXPECT_EQ(sampler_.held(), 0u);
}

}  // namespace
}  // namespace bv::exporters
