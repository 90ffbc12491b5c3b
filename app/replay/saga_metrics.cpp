#include "app/replay/saga_metrics.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace bv::replay {

double saga_durations::quantile(double q) const noexcept {
    if (count() == 0) return 0;
    const auto rank = q * static_cast<double>(count());
    double lower = 0;
    std::uint64_t below = 0;
    for (const auto& [bound, upto] : buckets) {
        if (static_cast<double>(upto) >= rank) {
            if (std::isinf(bound)) return lower;
            const auto inside = static_cast<double>(upto - below);
            return inside > 0 ? lower + (bound - lower) * (rank - static_cast<double>(below)) / inside : bound;
        }
        lower = bound;
        below = upto;
    }
    return lower;
}

saga_durations parse_saga_durations(std::string_view page) {
    constexpr std::string_view prefix = "bv_saga_duration_seconds_bucket{le=\"";
    saga_durations out;
    while (!page.empty()) {
        const auto end = page.find('\n');
        auto line = page.substr(0, end);
        page = end == std::string_view::npos ? std::string_view{} : page.substr(end + 1);
        if (!line.starts_with(prefix)) continue;
        line.remove_prefix(prefix.size());
        const auto quote = line.find("\"} ");
        if (quote == std::string_view::npos) continue;
        double bound = std::numeric_limits<double>::infinity();
        if (const auto text = line.substr(0, quote); text != "+Inf") std::from_chars(text.data(), text.data() + text.size(), bound);
        double count = 0;
        const auto number = line.substr(quote + 3);
        std::from_chars(number.data(), number.data() + number.size(), count);
        out.buckets.emplace_back(bound, static_cast<std::uint64_t>(count));
    }
    return out;
}

saga_durations since(const saga_durations& before, const saga_durations& after) {
    if (before.buckets.size() != after.buckets.size() || before.count() > after.count()) return after;
    auto out = after;
    for (std::size_t i = 0; i < out.buckets.size(); ++i) {
        if (before.buckets[i].second > out.buckets[i].second) return after;
        out.buckets[i].second -= before.buckets[i].second;
    }
    return out;
}

}  // namespace bv::replay
