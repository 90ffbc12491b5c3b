#include "platform/runtime/signal.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace bv {

void signal::notify() {
    if (set_.exchange(true)) return;
    asio::post(executor_, [self = shared_from_this()] { self->timer_->cancel(); });
}

task<void> signal::wait_for(std::chrono::nanoseconds time) {
    const auto self = shared_from_this();
    if (self->set_.exchange(false)) co_return;
    co_await self->timer_->wait_until(self->clock_.steady_now() + time);
    self->set_.store(false);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace bv
