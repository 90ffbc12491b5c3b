#include "platform/runtime/signals.hpp"

#include <csignal>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bv {

task<int> wait_for_stop_signal() {
    asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
    co_return co_await signals.async_wait(asio::use_awaitable);
}

}  // namespace bv
