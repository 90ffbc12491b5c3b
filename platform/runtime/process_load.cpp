#include "platform/runtime/process_load.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace bv {

namespace {
constexpr seconds least_span{1};
}

std::chrono::nanoseconds process_load::processor_time() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

process_load::process_load(clock& c, std::size_t cores, std::chrono::nanoseconds (*used)() noexcept)
    : clock_(c), cores_(static_cast<double>(std::max<std::size_t>(cores, 1))), used_(used), taken_(c.steady_now()), used_then_(used()) {}

process_load::figures process_load::now() {
    const std::lock_guard hold(mutex_);
    const auto at = clock_.steady_now();
    const auto span = std::chrono::duration<double>(at - taken_).count();
    if (at - taken_ < least_span) return figures_;
    const auto used = used_();
    const auto calls = calls_.load(std::memory_order_relaxed), failures = failures_.load(std::memory_order_relaxed);
    const auto rate = [span](std::uint64_t now, std::uint64_t& then) { return static_cast<double>(now - std::exchange(then, now)) / span; };
    figures_ = {std::chrono::duration<double>(used - std::exchange(used_then_, used)).count() / span / cores_, rate(calls, calls_then_), rate(failures, failures_then_)};
    taken_ = at;
    return figures_;
}

}  // namespace bv
