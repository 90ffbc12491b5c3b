// Wakes one waiting coroutine, from any thread. A wake that finds nobody waiting is kept for the next wait.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"

namespace bv {

class signal : public std::enable_shared_from_this<signal> {
public:
    // The executor of the one coroutine that waits; it runs on one thread. The clock outlives the signal.
    signal(asio::any_io_executor executor, clock& c) : executor_(std::move(executor)), clock_(c), timer_(c.make_timer(executor_)) {}

    // Thread-safe; cheap while a wake is pending already.
    void notify();
    // Resumes at a notify or after the time, whichever comes first (now and then sooner, for no reason). A cancelled
    // caller is thrown operation_aborted.
    task<void> wait_for(std::chrono::nanoseconds);

private:
    const asio::any_io_executor executor_;
    clock& clock_;
    std::atomic<bool> set_{false};
    const std::unique_ptr<timer> timer_;
};

}  // namespace bv
