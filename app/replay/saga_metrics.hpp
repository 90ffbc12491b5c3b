// The order service's histogram of saga durations, out of the platform's /metrics page.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace bv::replay {

struct saga_durations {
    std::vector<std::pair<double, std::uint64_t>> buckets;  // upper bound in seconds (infinity last), observations up to it
    [[nodiscard]] std::uint64_t count() const noexcept { return buckets.empty() ? 0 : buckets.back().second; }
    // Interpolated within the bucket as Prometheus' histogram_quantile does, in seconds; 0 when empty.
    [[nodiscard]] double quantile(double q) const noexcept;
};

// Of bv_saga_duration_seconds in Prometheus' text format; empty when the page has none.
[[nodiscard]] saga_durations parse_saga_durations(std::string_view page);
// What was observed between two pages. After a restart of the platform, which counts from 0 again: the later one.
[[nodiscard]] saga_durations since(const saga_durations& before, const saga_durations& after);

}  // namespace bv::replay
