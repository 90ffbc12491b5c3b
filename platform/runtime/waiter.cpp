#include "platform/runtime/waiter.hpp"

#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
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

// The waiters whose callers are suspended on one io_context. A coroutine that waits is owned by the waiter that it waits
// for, which the coroutine itself keeps: when the io_context ends, somebody must take it out.
class waiter::suspensions final : public asio::execution_context::service {
public:
    using key_type = suspensions;
    inline static asio::execution_context::id id;

    explicit suspensions(asio::execution_context& c) : service(c) {}

    static suspensions& of(const asio::any_io_executor& e) { return asio::use_service<suspensions>(asio::query(e, asio::execution::context)); }

    std::list<waiter*>::iterator add(waiter* w) {
        std::lock_guard lock(mutex_);
        return all_.insert(all_.end(), w);
    }
    void remove(std::list<waiter*>::iterator at) noexcept {
        std::lock_guard lock(mutex_);
        all_.erase(at);
    }

private:
    // Nothing of the context runs any more.
    void shutdown() override {
        while (true) {
            std::shared_ptr<waiter> next;
            {
                std::lock_guard lock(mutex_);
                if (all_.empty()) return;
                next = all_.front()->shared_from_this();
            }
            next->abandon();
        }
    }

    std::mutex mutex_;
    std::list<waiter*> all_;
};

struct waiter::state {
    std::mutex mutex;
    bool done = false, aborted = false, waited = false;
    std::optional<suspended> caller;
    suspensions* home = nullptr;  // while there is a caller
    std::list<waiter*>::iterator place;

    std::optional<suspended> take_caller() noexcept {
        if (home) std::exchange(home, nullptr)->remove(place);
        return std::exchange(caller, std::nullopt);
    }
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
                w->state_->home = &suspensions::of(executor);
                w->state_->place = w->state_->home->add(w.get());
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
        caller = state_->take_caller();
    }
    if (caller) std::move (*caller)(aborted);
    return true;
}

// Destroys the caller where it is suspended.
void waiter::abandon() noexcept {
    std::optional<suspended> caller;  // destroyed outside of the lock
    {
        std::lock_guard lock(state_->mutex);
        state_->done = state_->aborted = true;
        caller = state_->take_caller();
    }
}

}  // namespace bv
