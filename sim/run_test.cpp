#include "sim/run.hpp"

#include <gtest/gtest.h>

#include "platform/telemetry/log.hpp"

namespace bv::sim {
namespace {

class simulation : public ::testing::Test {
protected:
    simulation() { telemetry::set_log_descriptor(-1); }
    ~simulation() override { telemetry::set_log_descriptor(2); }
};

TEST_F(simulation, keeps_every_invariant_for_200_seeds) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed)
        for (const auto& v : run(seed).violations) ADD_FAILURE() << "seed " << seed << ": " << v.invariant << " " << v.about << ": " << v.what;
}

TEST_F(simulation, replays_a_seed_to_the_identical_trace) {
    const auto first = run(7), again = run(7), other = run(8);
    EXPECT_EQ(first.trace_hash, again.trace_hash);
    EXPECT_EQ(first.handlers, again.handlers);
    EXPECT_NE(first.trace_hash, other.trace_hash);
}

}  // namespace
}  // namespace bv::sim
