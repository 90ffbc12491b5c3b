// One load in hand: the keys that one caller asks the loader for, and the others that wait for its outcome.
// Private to cache.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::cache {

using value = std::shared_ptr<const void>;

// Thread-safe, but for `keys`, which are fixed before others see the load, and `found`, which is once it is done.
class load {
public:
    enum class outcome : unsigned char {
        running,
        done,
        failed,
        abandoned,  // its caller was cancelled or out of time, which says nothing about the keys: whoever waits tries anew
    };

    std::vector<std::string> keys;
    std::vector<value> found;  // one a key

    // Once. Wakes all who wait.
    void finish(outcome how, std::exception_ptr why = {}) noexcept {
        std::vector<std::shared_ptr<waiter>> waiting;
        {
            std::lock_guard lock(mutex_);
            if (outcome_ != outcome::running) return;
            outcome_ = how;
            error_ = std::move(why);
            waiting.swap(waiting_);
        }
        for (const auto& w : waiting) w->wake();
    }

    // Resumes on the caller's executor: true when done, false when abandoned; throws what the load threw.
    task<bool> wait() {
        if (const auto w = enlist()) co_await w->wait();
        std::exception_ptr why;
        {
            std::lock_guard lock(mutex_);
            if (outcome_ != outcome::failed) co_return outcome_ == outcome::done;
            why = error_;
        }
        std::rethrow_exception(why);
    }

private:
    std::shared_ptr<waiter> enlist() {
        std::lock_guard lock(mutex_);
        if (outcome_ != outcome::running) return nullptr;
        return waiting_.emplace_back(waiter::make());
    }

    std::mutex mutex_;
    outcome outcome_ = outcome::running;
    std::exception_ptr error_;
    std::vector<std::shared_ptr<waiter>> waiting_;
};

}  // namespace bv::cache
