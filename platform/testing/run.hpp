// Runs a coroutine test on a runtime of its own.
#pragma once

#include <cstddef>
#include <utility>

#include "platform/core/task.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::testing {

// Blocks until the task has ended; its value, or its exception thrown here. What the task spawned and did not join is
// destroyed with the runtime.
template <class T>
T run(task<T> body, std::size_t cores = 1) {
    bv::runtime machine(cores);
    machine.start();
    return machine.block_on(std::move(body));
}

}  // namespace bv::testing
