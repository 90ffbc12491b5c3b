// Latencies in constant memory: a log-linear histogram (Gil Tene's HdrHistogram, with 32 steps a power of two), so that a
// quantile is at most 3.2 % too high, whatever its size. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace bv::replay {

class latency {
public:
    void add(std::chrono::nanoseconds) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    // The upper bound of the step that holds quantile q of [0, 1]; 0 when nothing was added. Never above max().
    [[nodiscard]] std::chrono::microseconds quantile(double q) const noexcept;
    [[nodiscard]] std::chrono::microseconds max() const noexcept { return std::chrono::microseconds(max_); }

private:
    static constexpr unsigned step_bits = 5;
    static constexpr std::size_t steps = std::size_t{1} << step_bits;
    [[nodiscard]] static std::size_t index_of(std::uint64_t us) noexcept;
    [[nodiscard]] static std::uint64_t upper_bound(std::size_t index) noexcept;

    std::array<std::uint64_t, steps * (65 - step_bits)> counts_{};
    std::uint64_t count_ = 0, max_ = 0;
};

}  // namespace bv::replay
