// When a server that has ended by itself is started again: after a pause, which doubles while it does not last.
#pragma once

#include <algorithm>
#include <utility>

#include "platform/core/clock.hpp"

namespace bv::stack {

class restart_pause {
public:
    // The first pause, the longest, and how long a server lasts before they begin anew.
    explicit restart_pause(milliseconds first = milliseconds(200), milliseconds longest = milliseconds(10'000), seconds steady = seconds(60))
        : first_(first), longest_(longest), steady_(steady) {}

    enum class step : unsigned char {
        ended,  // it has just been found so
        wait,
        start,  // now
    };
    // At each look that finds it not running.
    [[nodiscard]] step look(steady_point now) {
        if (!std::exchange(known_, true)) {
            if (now - started_ > steady_) pause_ = milliseconds(0);
            pause_ = std::clamp(pause_ * 2, first_, longest_);
            not_before_ = now + pause_;
            return step::ended;
        }
        if (now < not_before_) return step::wait;
        known_ = false;
        started_ = now;
        return step::start;
    }
    [[nodiscard]] milliseconds pause() const noexcept { return pause_; }

private:
    milliseconds first_, longest_;
    seconds steady_;
    bool known_ = false;
    milliseconds pause_{0};
    steady_point started_{}, not_before_{};
};

}  // namespace bv::stack
