// Back-off on guessing: after some free attempts each further one doubles the wait.
#pragma once

#include "platform/core/clock.hpp"

namespace bv::identity {

struct throttle_policy {
    int free_attempts = 10;
    milliseconds first_delay{1'000};
    milliseconds max_delay{15 * 60 * 1'000};
    seconds forget{60 * 60};  // failures are forgotten after this long without an attempt
};

struct throttle_state {
    int failures = 0;
    time_point blocked_until{}, last_attempt{};
};

// How long to wait before the next attempt; zero: go ahead.
[[nodiscard]] milliseconds wait_of(const throttle_state&, time_point now) noexcept;
// An attempt counts as failed from its beginning, so that many at once are counted like many in a row.
[[nodiscard]] throttle_state begin_attempt(throttle_state, const throttle_policy&, time_point now) noexcept;
// Takes one attempt back: it succeeded, or was never judged.
[[nodiscard]] throttle_state take_back(throttle_state, const throttle_policy&) noexcept;

}  // namespace bv::identity
