// When a server that has ended by itself is started again: after a pause, which doubles while it does not last.
#pragma once

#include <algorithm>
#include <utility>

#include "platform/core/clock.hpp"

namespace bv::stack {

class restart_pause {
public:
    enum class step : unsigned char {
        ended,  // it has just been found so
        wait,
        start,  // now
    };
    // At each look that finds it not running.
    [[nodiscard]] step look(steady_point now) {
        if (!std::exchange(known_, true)) {
            if (now - started_ > steady) pause_ = milliseconds(0);
            pause_ = std::clamp(pause_ * 2, first, longest);
            not_before_ = now + pause_;
            return step::ended;
        }
        if (now < not_before_) return step::wait;
        known_ = false;
        started_ = now;
        return step::start;
    }
    [[nodiscard]] milliseconds pause() const noexcept { return pause_; }

    static constexpr milliseconds first{200}, longest{10'000};
    static constexpr seconds steady{60};  // after so long the pauses begin anew

private:
    bool known_ = false;
    milliseconds pause_{0};
    steady_point started_{}, not_before_{};
};

}  // namespace bv::stack
