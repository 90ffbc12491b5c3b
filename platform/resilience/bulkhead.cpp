#include "platform/resilience/bulkhead.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::resilience {
namespace {

struct candidate {
    std::shared_ptr<waiter> resume = waiter::make();
    bool granted = false;  // guarded by the bulkhead's mutex
};

}  // namespace

struct bulkhead::state {
    const bulkhead_options options;
    mutable std::mutex mutex;
    std::size_t in_use = 0;
    std::deque<std::shared_ptr<candidate>> queue;

    explicit state(bulkhead_options o) : options(std::move(o)) {}

    // nullptr: a place was free and is taken.
    std::shared_ptr<candidate> take_or_queue() {
        std::lock_guard lock(mutex);
        if (in_use < options.concurrent) {
            ++in_use;
            return nullptr;
        }
        if (queue.size() >= options.waiting)
            throw failure(error{code::resource_exhausted, "BULKHEAD_FULL",
                                options.name + ": " + std::to_string(in_use) + " calls run and " + std::to_string(queue.size()) + " wait; try again later", {},
                                std::chrono::milliseconds(100)});
        return queue.emplace_back(std::make_shared<candidate>());
    }

    // Hands the place to the first that still waits. Waking only posts, so it may be done under the lock.
    void release() {
        std::lock_guard lock(mutex);
        while (!queue.empty()) {
            const auto next = std::move(queue.front());
            queue.pop_front();
            if (!next->resume->wake()) continue;
            next->granted = true;
            return;
        }
        --in_use;
    }

    void leave(const std::shared_ptr<candidate>& c) {
        bool granted = false;
        {
            std::lock_guard lock(mutex);
            std::erase(queue, c);
            granted = c->granted;
        }
        if (granted) release();
    }
};

bulkhead::bulkhead(bulkhead_options o) : state_(std::make_shared<state>(std::move(o))) { BV_ASSERT(state_->options.concurrent > 0); }

bulkhead::place::~place() {
    if (state_) state_->release();
}

task<bulkhead::place> bulkhead::enter() {
    const auto s = state_;
    const auto c = s->take_or_queue();
    if (!c) co_return place(s);
    try {
        co_await c->resume->wait();
    } catch (...) {
        s->leave(c);
        throw;
    }
    co_return place(s);
}

std::size_t bulkhead::in_use() const {
    std::lock_guard lock(state_->mutex);
    return state_->in_use;
}

std::size_t bulkhead::waiting() const {
    std::lock_guard lock(state_->mutex);
    return state_->queue.size();
}

}  // namespace bv::resilience
