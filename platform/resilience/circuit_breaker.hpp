// A circuit breaker (Nygard, "Release It!"): stops calling a dependency that keeps failing, and tries it again with
// few calls before trusting it. Closed → open when the failure rate over a sliding window is too high; open → half-open
// after a time; half-open → closed when its probes succeed, → open when one fails.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::resilience {

struct circuit_options {
    std::string dependency;          // label in metrics and errors
    milliseconds window{10'000};     // over which failures are counted
    std::uint32_t least_calls = 20;  // in the window, before the rate means anything
    double failure_rate = 0.5;       // at or above it the circuit opens
    milliseconds open_for{5'000};
    std::uint32_t probes = 3;        // successes in half-open that close it; also its most concurrent calls
};

enum class circuit_state : std::uint8_t { closed = 0, half_open = 1, open = 2 };  // the values of the metric

// Whether an error says that the dependency is broken (and not that the request was wrong).
[[nodiscard]] bool is_dependency_failure(code) noexcept;

// Thread-safe; outlives its calls.
class circuit_breaker {
public:
    circuit_breaker(circuit_options, clock&);

    // Permission for one call. Destroyed without an outcome (cancelled) it counts neither way.
    class permit {
    public:
        permit(permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), generation_(other.generation_) {}
        permit& operator=(permit&&) = delete;
        ~permit() {
            if (owner_) owner_->record(generation_, std::nullopt);
        }
        void succeeded() { end(true); }
        void failed() { end(false); }

    private:
        friend class circuit_breaker;
        permit(circuit_breaker& owner, std::uint64_t generation) : owner_(&owner), generation_(generation) {}
        void end(bool ok) {
            if (auto* o = std::exchange(owner_, nullptr)) o->record(generation_, ok);
        }
        circuit_breaker* owner_;
        std::uint64_t generation_;
    };

    // Error UNAVAILABLE "CIRCUIT_OPEN" with retry_after while open, and while half-open with its probes in hand.
    [[nodiscard]] result<permit> acquire();
    [[nodiscard]] circuit_state state() const;
    // Whether acquire() would give permission now: also of an open circuit, once it is time to try again.
    [[nodiscard]] bool would_allow() const;

    // Runs the call under a permit. Its outcome is that of its error's code, thrown or in a result.
    // Throws failure UNAVAILABLE "CIRCUIT_OPEN" without calling.
    template <class T>
    task<T> run(std::function<task<T>()> call);

private:
    struct slice {
        std::int64_t number = -1;  // of the slice of time that it counts
        std::uint32_t succeeded = 0, failed = 0;
    };
    static constexpr std::size_t slices = 10;

    void record(std::uint64_t generation, std::optional<bool> ok);
    void enter(circuit_state, steady_point now);
    [[nodiscard]] bool is_time_to_try(steady_point now) const { return state_ == circuit_state::open && now >= opened_ + options_.open_for; }
    [[nodiscard]] bool has_room() const { return state_ == circuit_state::closed || (state_ == circuit_state::half_open && probing_ + probed_ < options_.probes); }
    void count(bool ok, steady_point now);
    [[nodiscard]] bool too_many_failures(steady_point now) const;
    [[nodiscard]] std::int64_t slice_number(steady_point) const;
    static void settle(permit&, code);

    const circuit_options options_;
    clock& clock_;
    telemetry::gauge& gauge_;
    mutable std::mutex mutex_;
    circuit_state state_ = circuit_state::closed;
    std::uint64_t generation_ = 0;  // of states: a late outcome of an earlier one does not count
    steady_point opened_{};
    std::uint32_t probing_ = 0, probed_ = 0;
    std::array<slice, slices> window_{};
};

template <class T>
task<T> circuit_breaker::run(std::function<task<T>()> call) {
    auto permitted = acquire();
    if (!permitted) throw failure(std::move(permitted.error()));
    try {
        if constexpr (std::is_void_v<T>) {
            co_await call();
            permitted->succeeded();
        } else {
            T answer = co_await call();
            if constexpr (requires { answer.error().code; })
                settle(*permitted, answer ? code::ok : answer.error().code);
            else
                permitted->succeeded();
            co_return answer;
        }
    } catch (...) {
        settle(*permitted, current_error().code);
        throw;
    }
}

}  // namespace bv::resilience
