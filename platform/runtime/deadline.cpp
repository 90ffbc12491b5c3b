#include "platform/runtime/deadline.hpp"

#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/core/error.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::detail {
namespace {

// The inner task and its alarm; both run on the caller's executor, so nothing here is locked.
struct race {
    asio::cancellation_signal inner, alarm;
    std::shared_ptr<waiter> both = waiter::make();
    std::exception_ptr error;
    bool inner_done = false, alarm_done = false, expired = false;

    void ended() {
        if (inner_done && alarm_done) both->wake();
    }
};

}  // namespace

task<void> run_until(clock& c, steady_point at, task<void> inner) {
    const auto executor = co_await asio::this_coro::executor;
    const auto r = std::make_shared<race>();
    asio::co_spawn(executor, std::move(inner), asio::bind_cancellation_slot(r->inner.slot(), [r](std::exception_ptr e) {
                       r->inner_done = true;
                       r->error = std::move(e);
                       r->alarm.emit(asio::cancellation_type::all);
                       r->ended();
                   }));
    asio::co_spawn(executor, c.sleep_until(at), asio::bind_cancellation_slot(r->alarm.slot(), [r](const std::exception_ptr& e) {
                       r->alarm_done = true;
                       if (!r->inner_done && !e) {
                           r->expired = true;
                           r->inner.emit(asio::cancellation_type::all);
                       }
                       r->ended();
                   }));
    co_await r->both->wait([r] { r->inner.emit(asio::cancellation_type::all); });
    if (!r->error) co_return;
    if (r->expired) throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", "the time allowed for this call is over");
    std::rethrow_exception(r->error);
}

}  // namespace bv::detail
