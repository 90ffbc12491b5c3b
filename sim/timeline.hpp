// Virtual time: one line of it for the whole simulation, and a clock a node that is set wrong.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::sim {

class timeline {
public:
    using place = std::pair<steady_point, std::uint64_t>;

    [[nodiscard]] steady_point now() const noexcept { return now_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    place add(steady_point at, std::shared_ptr<waiter> w) {
        const place p{std::max(at, now_), ++added_};
        waiting_.emplace(p, std::move(w));
        return p;
    }
    void remove(const place& p) noexcept { waiting_.erase(p); }
    // Moves to the next waiter and wakes it; false when there is none up to `limit`.
    bool advance(steady_point limit) {
        if (waiting_.empty() || waiting_.begin()->first.first > limit) return false;
        auto next = waiting_.extract(waiting_.begin());
        now_ = next.key().first;
        next.mapped()->wake();
        return true;
    }

private:
    steady_point now_{std::chrono::seconds(1)};
    std::uint64_t added_ = 0;
    std::map<place, std::shared_ptr<waiter>> waiting_;
};

class node_clock final : public clock {
public:
    node_clock(timeline& t, microseconds skew) : time_(t), skew_(skew) {}
    [[nodiscard]] time_point now() const override {
        constexpr time_point epoch{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
        return epoch + std::chrono::floor<microseconds>(time_.now().time_since_epoch()) + skew_;
    }
    // Sets what the clock on the wall is wrong by; waits go by the steady clock.
    void set_skew(microseconds s) noexcept { skew_ = s; }
    [[nodiscard]] steady_point steady_now() const override { return time_.now(); }
    task<void> sleep_until(steady_point at) override { return wait(at, waiter::make()); }
    std::unique_ptr<timer> make_timer(asio::any_io_executor) override { return std::make_unique<node_timer>(*this); }

private:
    struct registration {
        timeline& of;
        timeline::place at;
        ~registration() { of.remove(at); }
    };
    task<void> wait(steady_point at, std::shared_ptr<waiter> w) {
        const registration kept{time_, time_.add(at, w)};
        co_await w->wait();
    }
    class node_timer final : public timer {
    public:
        explicit node_timer(node_clock& c) : clock_(c) {}
        task<void> wait_until(steady_point at) override {
            current_ = waiter::make();
            return clock_.wait(at, current_);
        }
        void cancel() noexcept override {
            if (current_) current_->wake();
        }

    private:
        node_clock& clock_;
        std::shared_ptr<waiter> current_;
    };

    timeline& time_;
    microseconds skew_;
};

}  // namespace bv::sim
