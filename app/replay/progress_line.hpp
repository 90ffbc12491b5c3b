// Where a replay stands: one line that is rewritten on a terminal, a line each five seconds otherwise.
#pragma once

#include <ostream>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::replay {

// One thread.
class progress_line {
public:
    progress_line(std::ostream& out, bool terminal, clock& c) : out_(out), terminal_(terminal), clock_(c) {}
    ~progress_line() { clear(); }
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;

    [[nodiscard]] milliseconds interval() const noexcept { return terminal_ ? milliseconds(200) : milliseconds(5'000); }
    // Shows it when the last one is older than interval().
    void show(std::string_view text) {
        const auto now = clock_.steady_now();
        if (shown_ != steady_point{} && now - shown_ < interval()) return;
        shown_ = now;
        if (terminal_) out_ << "\r\x1b[K" << text << std::flush;
        else out_ << text << '\n' << std::flush;
        open_ = terminal_;
    }
    // A line that stays.
    void say(std::string_view text) {
        clear();
        out_ << text << '\n' << std::flush;
    }
    void clear() {
        if (open_) out_ << "\r\x1b[K" << std::flush;
        open_ = false;
    }

private:
    std::ostream& out_;
    bool terminal_;
    clock& clock_;
    steady_point shown_{};
    bool open_ = false;
};

}  // namespace bv::replay
