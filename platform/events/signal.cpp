#include "platform/events/signal.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bv::events {

void signal::notify() {
    if (set_.exchange(true)) return;
    asio::post(timer_.get_executor(), [self = shared_from_this()] { self->timer_.cancel(); });
}

task<void> signal::wait_for(std::chrono::nanoseconds time) {
    const auto self = shared_from_this();
    if (self->set_.exchange(false)) co_return;
    boost::system::error_code ignored;
    self->timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(time));
    co_await self->timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    self->set_.store(false);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace bv::events
