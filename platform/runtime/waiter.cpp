#include "platform/runtime/waiter.hpp"

#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/core/assert.hpp"

namespace bv {
namespace {

using handler = asio::any_completion_handler<void(boost::system::error_code)>;

boost::system::error_code outcome(bool aborted) noexcept {
    return aborted ? boost::system::error_code(asio::error::operation_aborted) : boost::system::error_code();
}

struct suspended {
    handler resume;
    asio::any_io_executor executor;  // tracks work: the caller's io_context keeps running

    void operator()(bool aborted) && {
        const auto on = std::move(executor);
        asio::post(on, asio::append(std::move(resume), outcome(aborted)));
    }
};

}  // namespace

struct waiter::state {
    std::mutex mutex;
    bool done = false, aborted = false, waited = false;
    std::optional<suspended> caller;
};

namespace {
struct made : waiter {};
}  // namespace

waiter::waiter() : state_(std::make_unique<state>()) {}
waiter::~waiter() = default;
std::shared_ptr<waiter> waiter::make() { return std::make_shared<made>(); }

task<void> waiter::wait(std::function<void()> on_cancel) {
    const auto self = shared_from_this();
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(boost::system::error_code)>(
        [](auto h, std::shared_ptr<waiter> w, std::function<void()> cancel) {
            const asio::any_io_executor executor = asio::get_associated_executor(h);
            suspended caller{handler(std::move(h)), asio::prefer(executor, asio::execution::outstanding_work.tracked)};
            // The erased handler's slot: erasing took over the original one.
            auto slot = asio::get_associated_cancellation_slot(caller.resume);
            if (slot.is_connected())
                slot.assign([w, cancel = std::move(cancel)](asio::cancellation_type) {
                    if (cancel)
                        cancel();
                    else
                        w->finish(true);
                });
            std::unique_lock lock(w->state_->mutex);
            BV_ASSERT(!w->state_->waited);
            w->state_->waited = true;
            if (!w->state_->done) {
                w->state_->caller = std::move(caller);
                return;
            }
            const bool aborted = w->state_->aborted;
            lock.unlock();
            std::move(caller)(aborted);
        },
        asio::use_awaitable, self, std::move(on_cancel));
}

bool waiter::wake() noexcept { return finish(false); }

bool waiter::finish(bool aborted) noexcept {
    std::optional<suspended> caller;
    {
        std::lock_guard lock(state_->mutex);
        if (state_->done) return false;
        state_->done = true;
        state_->aborted = aborted;
        caller = std::exchange(state_->caller, std::nullopt);
    }
    if (caller) std::move (*caller)(aborted);
    return true;
}

}  // namespace bv
