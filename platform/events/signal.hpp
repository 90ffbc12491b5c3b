// Wakes one waiting coroutine, from any thread. A wake that finds nobody waiting is kept for the next wait.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/core/task.hpp"

namespace bv::events {

class signal : public std::enable_shared_from_this<signal> {
public:
    // The executor of the one coroutine that waits; it runs on one thread.
    explicit signal(asio::any_io_executor executor) : timer_(std::move(executor)) {}

    // Thread-safe; cheap while a wake is pending already.
    void notify();
    // Resumes at a notify or after the time, whichever comes first (now and then sooner, for no reason). A cancelled
    // caller is thrown operation_aborted.
    task<void> wait_for(std::chrono::nanoseconds);

private:
    std::atomic<bool> set_{false};
    asio::steady_timer timer_;
};

}  // namespace bv::events
