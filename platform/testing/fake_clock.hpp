// A clock that stands still until a test moves it.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include <boost/asio/io_context.hpp>

#include "platform/core/clock.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::testing {

// Thread-safe. Both clocks move together: civil time from 2026-01-01T00:00:00Z, steady time from 1 s.
class fake_clock final : public clock {
public:
    [[nodiscard]] time_point now() const override {
        std::lock_guard lock(mutex_);
        return epoch + std::chrono::floor<microseconds>(steady_ - origin);
    }
    [[nodiscard]] steady_point steady_now() const override {
        std::lock_guard lock(mutex_);
        return steady_;
    }

    task<void> sleep_until(steady_point at) override {
        const auto w = waiter::make();
        add(at, w);
        const registration kept{*this, at, w};
        co_await w->wait();
    }

    std::unique_ptr<timer> make_timer(asio::any_io_executor) override { return std::make_unique<fake_timer>(*this); }

    // Moves time and wakes those whose time has come, in order. They run when their executor does: a task that
    // sleeps again inside the span is late; run_for() is exact.
    void advance(std::chrono::nanoseconds d) {
        const auto target = steady_now() + d;
        while (auto next = take_before(target)) next->wake();
        std::lock_guard lock(mutex_);
        steady_ = target;
    }

    // Moves time step by step on one thread: between two wake-ups everything that is ready runs.
    void run_for(asio::io_context& io, std::chrono::nanoseconds d) {
        const auto target = steady_now() + d;
        run_ready(io);
        while (auto next = take_before(target)) {
            next->wake();
            run_ready(io);
        }
        {
            std::lock_guard lock(mutex_);
            steady_ = target;
        }
        run_ready(io);
    }

    [[nodiscard]] std::size_t sleepers() const {
        std::lock_guard lock(mutex_);
        return sleepers_.size();
    }

private:
    static constexpr steady_point origin{std::chrono::seconds(1)};
    static constexpr time_point epoch{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

    // Forgets a sleeper that was cancelled.
    struct registration {
        fake_clock& owner;
        steady_point at;
        std::shared_ptr<waiter> who;
        ~registration() {
            std::lock_guard lock(owner.mutex_);
            auto [from, to] = owner.sleepers_.equal_range(at);
            for (; from != to; ++from)
                if (from->second == who) {
                    owner.sleepers_.erase(from);
                    return;
                }
        }
    };

    class fake_timer final : public timer {
    public:
        explicit fake_timer(fake_clock& c) : clock_(c) {}
        task<void> wait_until(steady_point at) override {
            const auto w = current_ = waiter::make();
            clock_.add(at, w);
            const registration kept{clock_, at, w};
            co_await w->wait();
        }
        void cancel() noexcept override {
            if (current_) current_->wake();
        }

    private:
        fake_clock& clock_;
        std::shared_ptr<waiter> current_;
    };

    void add(steady_point at, const std::shared_ptr<waiter>& w) {
        std::lock_guard lock(mutex_);
        if (at <= steady_)
            w->wake();
        else
            sleepers_.emplace(at, w);
    }

    static void run_ready(asio::io_context& io) {
        io.restart();
        io.poll();
    }

    std::shared_ptr<waiter> take_before(steady_point target) {
        std::lock_guard lock(mutex_);
        if (sleepers_.empty() || sleepers_.begin()->first > target) return nullptr;
        auto first = sleepers_.begin();
        steady_ = first->first;
        auto w = std::move(first->second);
        sleepers_.erase(first);
        return w;
    }

    mutable std::mutex mutex_;
    steady_point steady_ = origin;
    std::multimap<steady_point, std::shared_ptr<waiter>> sleepers_;
};

}  // namespace bv::testing
