// Time comes through clock&, randomness through rng&: real ones in production, virtual ones in
// simulation and tests. now() and random_device appear only in platform/core.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/task.hpp"

namespace bv {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

using time_point = std::chrono::sys_time<microseconds>;                                          // civil time, UTC
using steady_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;  // for time-outs

// A wait that may be ended before its time. Used on one executor.
class timer {
public:
    virtual ~timer() = default;
    // Resumes at the time, at cancel(), or when the caller is cancelled, without saying which. One wait at a time.
    virtual task<void> wait_until(steady_point) = 0;
    // Ends the wait in hand, if there is one.
    virtual void cancel() noexcept = 0;
};

class clock {
public:
    virtual ~clock() = default;
    [[nodiscard]] virtual time_point now() const = 0;
    [[nodiscard]] virtual steady_point steady_now() const = 0;
    // Resumes on the caller's executor; throws system_error(operation_aborted) when cancelled.
    virtual task<void> sleep_until(steady_point) = 0;
    task<void> sleep_for(std::chrono::nanoseconds d) { return sleep_until(steady_now() + d); }
    // For waits on this executor. The clock outlives its timers.
    [[nodiscard]] virtual std::unique_ptr<timer> make_timer(asio::any_io_executor) = 0;
};

// The machine's clocks. Thread-safe, lives as long as the process.
[[nodiscard]] clock& system_clock() noexcept;

class rng {
public:
    virtual ~rng() = default;
    virtual std::uint64_t next() = 0;
    virtual void fill(std::span<std::uint8_t>) = 0;
    // Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
    // Uniform in [0, 1).
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

// Cryptographically secure, seeded from the operating system. Thread-safe.
[[nodiscard]] rng& system_rng() noexcept;

// The same numbers for the same seed (xoshiro256**). Not thread-safe, not for secrets.
class seeded_rng final : public rng {
public:
    explicit seeded_rng(std::uint64_t seed) noexcept;
    std::uint64_t next() override;
    void fill(std::span<std::uint8_t>) override;

private:
    std::uint64_t state_[4];
};

// RFC 3339 in UTC with as many of 0, 3 or 6 fractional digits as needed: "2026-01-31T09:00:00.250Z".
[[nodiscard]] std::string rfc3339(time_point);
[[nodiscard]] std::optional<time_point> parse_rfc3339(std::string_view) noexcept;

}  // namespace bv
