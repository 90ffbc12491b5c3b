// Retries: exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter"), bounded by attempts, by the
// caller's deadline and by a budget per dependency, so that retries cannot multiply the load of an outage.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::resilience {

struct retry_policy {
    int attempts = 3;            // calls in all, the first included
    milliseconds first{50};      // upper bound of the first pause; doubles with each further one
    milliseconds longest{2'000};
};

// A token bucket: each call earns a share of a retry, each retry spends one. One per dependency. Thread-safe.
class retry_budget {
public:
    // ratio: retries a call, 0.1 for 10 %. reserve: how many may be saved up, and are there at the start.
    explicit retry_budget(std::string dependency, double ratio = 0.1, double reserve = 10.0);
    void earn() noexcept;
    // False when the budget is spent: the caller passes the error on.
    [[nodiscard]] bool spend() noexcept;
    [[nodiscard]] double balance() const noexcept;

private:
    std::int64_t per_call_, most_;  // thousandths of a retry
    std::atomic<std::int64_t> tokens_;
    telemetry::counter& retries_;
    telemetry::counter& refused_;
};

// The pause before attempt n + 1 (n from 1): uniform in [0, min(longest, first × 2^(n-1))].
[[nodiscard]] std::chrono::nanoseconds backoff(const retry_policy&, int n, rng&);

namespace detail {

// Whether to call again after `why` and, if so, the pause to make. Spends from the budget.
[[nodiscard]] std::optional<std::chrono::nanoseconds> next_pause(const retry_policy&, int attempt, const error& why, retry_budget&, clock&, rng&,
                                                                 std::optional<steady_point> deadline);

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

// The error of an answer, when T is a result that holds one.
template <class T>
[[nodiscard]] const error* error_in(const T& answer) {
    if constexpr (is_result<T>) {
        return answer ? nullptr : &answer.error();
    } else {
        return nullptr;
    }
}

}  // namespace detail

// Calls until it succeeds or fails for good: repeats only after errors of is_retriable codes, thrown or in a result,
// never before their retry_after and never past the deadline. Then gives the last outcome. The call must be idempotent.
// Everything passed by reference outlives the task.
template <class T>
task<T> retry(retry_policy policy, retry_budget& budget, clock& c, rng& r, std::function<task<T>()> call,
              std::optional<steady_point> deadline = std::nullopt) {
    budget.earn();
    for (int attempt = 1;; ++attempt) {
        std::optional<std::chrono::nanoseconds> pause;
        try {
            if constexpr (std::is_void_v<T>) {
                co_await call();
                co_return;
            } else {
                T answer = co_await call();
                if (const error* e = detail::error_in(answer)) pause = detail::next_pause(policy, attempt, *e, budget, c, r, deadline);
                if (!pause) co_return answer;
            }
        } catch (...) {
            pause = detail::next_pause(policy, attempt, current_error(), budget, c, r, deadline);
            if (!pause) throw;
        }
        co_await c.sleep_for(*pause);
    }
}

}  // namespace bv::resilience
