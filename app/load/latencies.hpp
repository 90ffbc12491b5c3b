// Latencies in constant memory: a log-linear histogram (Gil Tene's HdrHistogram with 128 steps a power of two), so that a
// quantile is at most 0.8 % too high, whatever its size. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bv::load {

class latencies {
public:
    void add(std::chrono::nanoseconds d) noexcept {
        const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
        ++counts_[index_of(us)];
        ++count_;
        sum_ += us;
        max_ = std::max(max_, us);
    }
    void add(const latencies& other) noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
        count_ += other.count_;
        sum_ += other.sum_;
        max_ = std::max(max_, other.max_);
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] double mean_us() const noexcept { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }
    [[nodiscard]] std::uint64_t max_us() const noexcept { return max_; }
    // The upper bound of the step that holds quantile q of [0, 1]; 0 when nothing was added. Never above max_us().
    [[nodiscard]] std::uint64_t quantile_us(double q) const noexcept {
        const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_))));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if ((seen += counts_[i]) >= rank) return std::min(upper_bound(i), max_);
        return max_;
    }

private:
    static constexpr unsigned step_bits = 7;
    static constexpr std::size_t steps = std::size_t{1} << step_bits;

    static std::size_t index_of(std::uint64_t us) noexcept {
        if (us < steps) return us;
        const auto shift = static_cast<unsigned>(std::bit_width(us)) - step_bits - 1;
        return steps * (shift + 1) + ((us >> shift) - steps);
    }
    static std::uint64_t upper_bound(std::size_t index) noexcept {
        if (index < steps) return index;
        const auto shift = index / steps - 1;
        return ((index % steps + steps + 1) << shift) - 1;
    }

    std::array<std::uint64_t, steps * (65 - step_bits)> counts_{};
    std::uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace bv::load
