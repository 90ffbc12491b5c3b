#include "app/replay/latency.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bv::replay {

std::size_t latency::index_of(std::uint64_t us) noexcept {
    if (us < steps) return us;
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - step_bits - 1;
    return steps * (shift + 1) + ((us >> shift) - steps);
}

std::uint64_t latency::upper_bound(std::size_t index) noexcept {
    if (index < steps) return index;
    const auto shift = index / steps - 1;
    return ((index % steps + steps + 1) << shift) - 1;
}

void latency::add(std::chrono::nanoseconds d) noexcept {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
    ++counts_[index_of(us)];
    ++count_;
    max_ = std::max(max_, us);
}

std::chrono::microseconds latency::quantile(double q) const noexcept {
    if (count_ == 0) return {};
    const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))), 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= rank) return std::chrono::microseconds(std::min(upper_bound(i), max_));
    }
    return max();
}

}  // namespace bv::replay
