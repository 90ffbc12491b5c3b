#include "platform/runtime/gate.hpp"

#include <mutex>
#include <vector>

#include "platform/runtime/waiter.hpp"

namespace bv {

struct gate::state {
    std::mutex mutex;
    std::size_t held = 0;
    bool closed = false;
    std::vector<std::shared_ptr<waiter>> closers;
};

gate::gate() : state_(std::make_shared<state>()) {}

void gate::holder::release() noexcept {
    const auto s = std::exchange(state_, nullptr);
    if (!s) return;
    std::vector<std::shared_ptr<waiter>> wake;
    {
        std::lock_guard lock(s->mutex);
        if (--s->held == 0) wake.swap(s->closers);
    }
    for (auto& w : wake) w->wake();
}

std::optional<gate::holder> gate::enter() {
    std::lock_guard lock(state_->mutex);
    if (state_->closed) return std::nullopt;
    ++state_->held;
    return holder(state_);
}

task<void> gate::close() {
    const auto s = state_;
    const auto w = waiter::make();
    {
        std::lock_guard lock(s->mutex);
        s->closed = true;
        if (s->held == 0) co_return;
        s->closers.push_back(w);
    }
    co_await w->wait();
}

std::size_t gate::held() const noexcept {
    std::lock_guard lock(state_->mutex);
    return state_->held;
}

bool gate::closed() const noexcept {
    std::lock_guard lock(state_->mutex);
    return state_->closed;
}

}  // namespace bv
