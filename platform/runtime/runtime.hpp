// One io_context and one thread per core; a coroutine stays on the core that it was spawned on.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"

namespace bv {

// Bound of runtime::current_core(): an array of this size holds the per-core state of a thread-safe object.
inline constexpr std::size_t max_cores = 64;

class runtime {
public:
    // cores: 0 for as many as the machine has; at most max_cores - 1.
    explicit runtime(std::size_t cores = 0);
    // Stops and joins. Tasks that never ended are destroyed where they are suspended: stop their scopes first.
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    [[nodiscard]] std::size_t cores() const noexcept;
    [[nodiscard]] asio::io_context& context(std::size_t core) noexcept;
    // The index of the runtime thread this is called on, below cores(); max_cores - 1 on any other thread.
    // Threads outside the runtime share that index, and so do equal cores of two runtimes in one process:
    // unsynchronised per-core state must not be used by two of them at once.
    [[nodiscard]] static std::size_t current_core() noexcept;

    // Starts the threads; once.
    void start();
    // Asks the threads to end after the handler they are in. Thread-safe.
    void stop() noexcept;
    // Blocks until stop() was called and the threads have ended. Never on a runtime thread.
    void join();

    // Runs a task on a core of a started runtime and blocks for its outcome: its value, or its exception thrown here.
    // Throws failure CANCELLED "RUNTIME_STOPPED" when the runtime stops before the task has ended. For main, the
    // command line and tests: never call it on a runtime thread.
    template <class T>
    T block_on(task<T>, std::size_t core = 0);

private:
    struct impl;
    void run_blocking(task<void>, std::size_t core);
    template <class T>
    static task<void> store(task<T> inner, std::shared_ptr<std::optional<T>> out) {
        out->emplace(co_await std::move(inner));
    }
    std::unique_ptr<impl> impl_;
};

template <class T>
T runtime::block_on(task<T> inner, std::size_t core) {
    if constexpr (std::is_void_v<T>) {
        run_blocking(std::move(inner), core);
    } else {
        // Shared with the task, which may outlive this call when the runtime is stopped.
        auto out = std::make_shared<std::optional<T>>();
        run_blocking(store(std::move(inner), out), core);
        return std::move(**out);
    }
}

}  // namespace bv
