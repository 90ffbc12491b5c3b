// A scope owns the tasks spawned in it: none outlives it. Every background job lives in one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"

namespace bv {

class scope {
public:
    explicit scope(std::string name);
    // Everything must have been joined.
    ~scope();
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

    // Spawns on an executor. An exception other than cancellation is logged with the scope's name and counted.
    // Thread-safe. After stop() the task is dropped unstarted.
    void spawn(asio::any_io_executor, task<void>);
    // Asks every task to cancel: their pending operation completes with operation_aborted. Thread-safe.
    void stop() noexcept;
    // True once stop() was called: loops check it.
    [[nodiscard]] bool stopping() const noexcept;
    // Resumes once every task has ended.
    task<void> join();
    [[nodiscard]] std::size_t size() const noexcept;

    // Of every scope of the process that has any: its name and how many. Tells what keeps a stop from ending. Thread-safe.
    [[nodiscard]] static std::vector<std::pair<std::string, std::size_t>> running_tasks();

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace bv
