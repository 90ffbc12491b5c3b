// One run of the simulation: a world made from a seed, a stormy time, a calm one, and the checks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

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
    std::map<std::string, std::uint64_t> transitions;  // of orders, "placed → StockReserved": how often
    std::array<std::uint64_t, 10> faults{};     // by sim::fault
    std::vector<violation> violations;
    [[nodiscard]] bool holds() const noexcept { return violations.empty(); }
};

// The same seed, the same outcome. `trace` is given each line of what happens.
[[nodiscard]] outcome run(std::uint64_t seed, std::function<void(const std::string&)> trace = {});

}  // namespace bv::sim
