// The coroutine type of the platform: every asynchronous function returns bv::task<T>.
// A task starts when it is awaited, runs on its caller's executor and is cancelled with it.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace bv {

namespace asio = boost::asio;

template <class T = void>
using task = asio::awaitable<T>;

}  // namespace bv
