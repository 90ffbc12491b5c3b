// Signals of the operating system as a coroutine.
#pragma once

#include "platform/core/task.hpp"

namespace bv {

// Resumes with SIGINT or SIGTERM when the process is asked to end. While nobody waits the default action applies.
// Throws system_error(operation_aborted) when cancelled.
task<int> wait_for_stop_signal();

}  // namespace bv
