#include <algorithm>
#include <array>

#include "platform/telemetry/metrics.hpp"

namespace bv::telemetry {

namespace {

constexpr std::array<double, histogram::buckets> upper{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                       0.2,    0.5,   1,      2.5,   5,    10,    30};

}  // namespace

std::span<const double, histogram::buckets> histogram::bounds() noexcept { return upper; }

void histogram::observe(double seconds) noexcept {
    // "Less or equal" is in the bucket; a NaN ends above all of them and does not spoil the sum.
    const auto at = seconds == seconds ? std::ranges::lower_bound(upper, seconds) : upper.end();
    counts_[at - upper.begin()].fetch_add(1, std::memory_order_relaxed);
    if (seconds == seconds) sum_.fetch_add(seconds, std::memory_order_relaxed);
}

std::uint64_t histogram::bucket(int i) const noexcept { return counts_[i].load(std::memory_order_relaxed); }

std::uint64_t histogram::count() const noexcept {
    std::uint64_t total = 0;
    for (const auto& c : counts_) total += c.load(std::memory_order_relaxed);
    return total;
}

double histogram::sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

double histogram::quantile(double q) const noexcept {
    std::array<std::uint64_t, buckets + 1> snapshot;
    std::uint64_t total = 0;
    for (int i = 0; i <= buckets; ++i) total += snapshot[i] = bucket(i);
    if (total == 0) return 0;
    const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
    double below = 0;
    for (int i = 0; i < buckets; ++i) {
        const auto here = static_cast<double>(snapshot[i]);
        if (here > 0 && below + here >= rank) {
            const double lower = i == 0 ? 0 : upper[i - 1];
            return lower + (upper[i] - lower) * std::max(0.0, rank - below) / here;
        }
        below += here;
    }
    return upper.back();
}

}  // namespace bv::telemetry
