// One run of the simulation: a world made from a plan, a stormy time, a calm one, and the checks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/plan.hpp"

namespace bv::sim {

struct violation {
    std::string invariant, about, what;
};

struct outcome {
    std::uint64_t seed = 0;
    std::uint64_t trace_hash = 0;               // of every decision of the scheduler and every line of the trace
    std::uint64_t handlers = 0;
    double virtual_seconds = 0;
    std::int64_t orders = 0;
    std::map<std::string, std::uint64_t> transitions;  // of orders, "placed: StockReserved": how often
    fault_counts faults{};
    std::vector<violation> violations;
    [[nodiscard]] bool holds() const noexcept { return violations.empty(); }
};

using tracer = std::function<void(const std::string&)>;

// The same plan, the same outcome. `trace` is given each line of what happens.
[[nodiscard]] outcome run(const plan&, const tracer& trace = {});
[[nodiscard]] outcome run(std::uint64_t seed);

}  // namespace bv::sim
