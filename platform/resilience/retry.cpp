#include "platform/resilience/retry.hpp"

#include <algorithm>

namespace bv::resilience {
namespace {

std::int64_t thousandths(double n) noexcept { return static_cast<std::int64_t>(n * 1000.0 + 0.5); }

}  // namespace

retry_budget::retry_budget(std::string dependency, double ratio, double reserve)
    : per_call_(thousandths(ratio)), most_(thousandths(reserve)), tokens_(most_),
      retries_(telemetry::count("bv_retries_total", "Calls repeated after a failure", {{"dependency", dependency}})),
      refused_(telemetry::count("bv_retries_refused_total", "Calls not repeated because the retry budget was spent", {{"dependency", dependency}})) {}

void retry_budget::earn() noexcept {
    auto now = tokens_.load(std::memory_order_relaxed);
    while (!tokens_.compare_exchange_weak(now, std::min(most_, now + per_call_), std::memory_order_relaxed)) {
    }
}

bool retry_budget::spend() noexcept {
    auto now = tokens_.load(std::memory_order_relaxed);
    do {
        if (now < 1000) {
            refused_.add();
            return false;
        }
    } while (!tokens_.compare_exchange_weak(now, now - 1000, std::memory_order_relaxed));
    retries_.add();
    return true;
}

double retry_budget::balance() const noexcept { return static_cast<double>(tokens_.load(std::memory_order_relaxed)) / 1000.0; }

std::chrono::nanoseconds backoff(const retry_policy& p, int n, rng& r) {
    std::chrono::nanoseconds bound = p.first;
    for (int i = 1; i < n && bound < p.longest; ++i) bound *= 2;
    bound = std::min<std::chrono::nanoseconds>(bound, p.longest);
    return std::chrono::nanoseconds(r.below(static_cast<std::uint64_t>(bound.count()) + 1));
}

std::optional<std::chrono::nanoseconds> detail::next_pause(const retry_policy& p, int attempt, const error& why, retry_budget& budget, clock& c, rng& r,
                                                           std::optional<steady_point> deadline) {
    if (attempt >= p.attempts || !is_retriable(why.code)) return std::nullopt;
    auto pause = backoff(p, attempt, r);
    if (why.retry_after) pause = std::max<std::chrono::nanoseconds>(pause, *why.retry_after);
    if (deadline && c.steady_now() + pause >= *deadline) return std::nullopt;
    if (!budget.spend()) return std::nullopt;
    return pause;
}

}  // namespace bv::resilience
