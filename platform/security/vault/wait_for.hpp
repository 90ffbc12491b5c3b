// Blocks for a task of another runtime, on any thread but that one's: also on a thread of a runtime, which runtime::block_on refuses, for
// there it is a stall. Those that come here, starts and rotations of keys, accept it: it lasts a call of Vault, and that has a time-out.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "platform/core/task.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::vault {

// The runtime runs until this returns.
template <class T>
T wait_for(runtime& on, task<T> what) {
    return asio::co_spawn(on.context(0).get_executor(), std::move(what), asio::use_future).get();
}

}  // namespace bv::vault
