#include "platform/resilience/circuit_breaker.hpp"

#include "platform/core/assert.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::resilience {
namespace {

constexpr std::string_view name_of(circuit_state s) noexcept {
    switch (s) {
        case circuit_state::closed: return "closed";
        case circuit_state::half_open: return "half_open";
        case circuit_state::open: return "open";
    }
    return "unknown";
}

}  // namespace

bool is_dependency_failure(code c) noexcept {
    switch (c) {
        case code::unavailable:
        case code::deadline_exceeded:
        case code::internal:
        case code::unknown:
        case code::data_loss: return true;
        case code::ok:
        case code::cancelled:
        case code::invalid_argument:
        case code::not_found:
        case code::already_exists:
        case code::permission_denied:
        case code::resource_exhausted:
        case code::failed_precondition:
        case code::aborted:
        case code::out_of_range:
        case code::unimplemented:
        case code::unauthenticated: return false;
    }
    return true;
}

circuit_breaker::circuit_breaker(circuit_options o, clock& c)
    : options_(std::move(o)), clock_(c),
      gauge_(telemetry::measure("bv_circuit_state", "State of a circuit breaker: 0 closed, 1 half-open, 2 open", {{"dependency", options_.dependency}})) {
    BV_ASSERT(options_.window.count() >= static_cast<std::int64_t>(slices) && options_.probes > 0 && options_.failure_rate > 0);
    gauge_.set(0);
}

result<circuit_breaker::permit> circuit_breaker::acquire() {
    std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    if (is_time_to_try(now)) enter(circuit_state::half_open, now);
    if (!has_room()) {
        // A half-open circuit knows its answer soon: a tenth of the open time is a fair guess.
        const auto wait = state_ == circuit_state::open ? std::chrono::ceil<milliseconds>(opened_ + options_.open_for - now) : options_.open_for / 10;
        return std::unexpected(error{code::unavailable, "CIRCUIT_OPEN", options_.dependency + " keeps failing and is not called for now; try again later", {}, wait});
    }
    if (state_ == circuit_state::half_open) ++probing_;
    return permit(*this, generation_);
}

circuit_state circuit_breaker::state() const {
    std::lock_guard lock(mutex_);
    return state_;
}

bool circuit_breaker::would_allow() const {
    std::lock_guard lock(mutex_);
    return has_room() || is_time_to_try(clock_.steady_now());
}

void circuit_breaker::record(std::uint64_t generation, std::optional<bool> ok) {
    std::lock_guard lock(mutex_);
    if (generation != generation_) return;
    const auto now = clock_.steady_now();
    if (state_ == circuit_state::half_open) --probing_;
    if (!ok) return;
    if (state_ == circuit_state::half_open) {
        if (!*ok)
            enter(circuit_state::open, now);
        else if (++probed_ >= options_.probes)
            enter(circuit_state::closed, now);
        return;
    }
    count(*ok, now);
    if (!*ok && too_many_failures(now)) enter(circuit_state::open, now);
}

void circuit_breaker::enter(circuit_state s, steady_point now) {
    state_ = s;
    ++generation_;
    probing_ = probed_ = 0;
    if (s == circuit_state::open) opened_ = now;
    if (s == circuit_state::closed) window_.fill({});
    gauge_.set(static_cast<double>(s));
    telemetry::warn("circuit.changed", {{"dependency", options_.dependency}, {"state", name_of(s)}});
}

std::int64_t circuit_breaker::slice_number(steady_point now) const {
    return now.time_since_epoch() / (std::chrono::nanoseconds(options_.window) / static_cast<std::int64_t>(slices));
}

void circuit_breaker::count(bool ok, steady_point now) {
    const auto number = slice_number(now);
    auto& s = window_[static_cast<std::size_t>(number) % slices];
    if (s.number != number) s = {number, 0, 0};
    ++(ok ? s.succeeded : s.failed);
}

bool circuit_breaker::too_many_failures(steady_point now) const {
    const auto newest = slice_number(now);
    std::uint64_t calls = 0, failed = 0;
    for (const auto& s : window_) {
        if (s.number <= newest - static_cast<std::int64_t>(slices)) continue;
        calls += s.succeeded + s.failed;
        failed += s.failed;
    }
    return calls >= options_.least_calls && static_cast<double>(failed) >= options_.failure_rate * static_cast<double>(calls);
}

void circuit_breaker::settle(permit& p, code c) {
    if (c == code::cancelled) return;
    if (is_dependency_failure(c))
        p.failed();
    else
        p.succeeded();
}

}  // namespace bv::resilience
