#include "platform/events/source_tail.hpp"

#include <algorithm>

#include "platform/core/assert.hpp"

namespace bv::events {

bool matches(const std::vector<std::string>& types, const event& e) noexcept {
    return types.empty() || std::ranges::find(types, e.type) != types.end();
}

void source_tail::begin(std::int64_t base) {
    {
        std::lock_guard lock(mutex_);
        BV_ASSERT(!begun_);
        begun_ = true;
        base_ = head_ = base;
    }
    for (const auto& reader : readers_) reader->notify();
}

void source_tail::restart() {
    std::lock_guard lock(mutex_);
    if (!begun_) return;
    begun_ = false;
    ++generation_;
    ring_.clear();
    bytes_ = 0;
    base_ = head_ = 0;
}

void source_tail::attach(std::shared_ptr<signal> reader) { readers_.push_back(std::move(reader)); }

void source_tail::append(std::vector<event_ptr> events) {
    if (events.empty()) return;
    {
        std::lock_guard lock(mutex_);
        BV_ASSERT(begun_);
        for (auto& e : events) {
            BV_ASSERT(e->position > head_);
            head_ = e->position;
            bytes_ += e->payload.size();
            ring_.push_back(std::move(e));
        }
        while (ring_.size() > limits_.events || (bytes_ > limits_.bytes && ring_.size() > 1)) {
            base_ = ring_.front()->position;
            bytes_ -= ring_.front()->payload.size();
            ring_.pop_front();
        }
    }
    for (const auto& reader : readers_) reader->notify();
}

tail_slice source_tail::take(std::int64_t after, const std::vector<std::string>& types, std::size_t max) const {
    constexpr std::ptrdiff_t scan_limit = 4'096;  // bounds the time under the lock
    std::lock_guard lock(mutex_);
    tail_slice out;
    out.scanned = after;
    out.head = head_;
    out.generation = generation_;
    if (!begun_) return out;
    if (after < base_) {
        out.behind = true;
        return out;
    }
    auto it = std::ranges::upper_bound(ring_, after, {}, [](const event_ptr& e) { return e->position; });
    const auto end = it + std::min(scan_limit, ring_.end() - it);
    for (; it != end && out.events.size() < max; ++it) {
        if (matches(types, **it)) out.events.push_back(*it);
        out.scanned = (*it)->position;
    }
    return out;
}

bool source_tail::begun() const {
    std::lock_guard lock(mutex_);
    return begun_;
}

std::int64_t source_tail::head() const {
    std::lock_guard lock(mutex_);
    return head_;
}

}  // namespace bv::events
