#include "domains/identity/model/throttle.hpp"

#include <algorithm>

namespace bv::identity {

milliseconds wait_of(const throttle_state& s, time_point now) noexcept {
    return now >= s.blocked_until ? milliseconds(0) : std::chrono::ceil<milliseconds>(s.blocked_until - now);
}

throttle_state begin_attempt(throttle_state s, const throttle_policy& p, time_point now) noexcept {
    if (now - s.last_attempt >= p.forget) s.failures = 0;
    s.last_attempt = now;
    s.failures = std::min(s.failures + 1, 1'000'000);
    const int over = s.failures - p.free_attempts;
    if (over >= 0) {
        // Doubling some twenty times passes any sensible maximum; more would overflow.
        const milliseconds delay = over > 20 ? p.max_delay : std::min(p.max_delay, p.first_delay * (std::int64_t{1} << over));
        s.blocked_until = now + delay;
    }
    return s;
}

throttle_state take_back(throttle_state s, const throttle_policy& p) noexcept {
    s.failures = std::max(0, s.failures - 1);
    if (s.failures < p.free_attempts) s.blocked_until = time_point{};
    return s;
}

}  // namespace bv::identity
