// Between threads that record and the task that ships: takes what fits, refuses the rest at once, never waits.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace bv::exporters {

struct queue_bounds {
    std::size_t items = 32'768;
    std::size_t bytes = 32 * 1024 * 1024;
};

// Thread-safe.
template <class T>
class bounded_queue {
public:
    explicit bounded_queue(queue_bounds bounds) : bounds_(bounds) {}

    // False: it is full, and the item is not in it.
    [[nodiscard]] bool push(T item, std::size_t bytes) {
        const std::scoped_lock lock(mutex_);
        if (items_.size() >= bounds_.items || bytes_ + bytes > bounds_.bytes) return false;
        items_.emplace_back(std::move(item), bytes);
        bytes_ += bytes;
        return true;
    }
    // Moves out the oldest, at most so many, and no more bytes than that beyond the first.
    [[nodiscard]] std::vector<T> take(queue_bounds most) {
        std::vector<T> out;
        const std::scoped_lock lock(mutex_);
        std::size_t bytes = 0;
        while (!items_.empty() && out.size() < most.items && (out.empty() || bytes + items_.front().second <= most.bytes)) {
            bytes += items_.front().second;
            out.push_back(std::move(items_.front().first));
            items_.pop_front();
        }
        bytes_ -= bytes;
        return out;
    }
    [[nodiscard]] std::size_t size() const {
        const std::scoped_lock lock(mutex_);
        return items_.size();
    }

private:
    const queue_bounds bounds_;
    mutable std::mutex mutex_;
    std::deque<std::pair<T, std::size_t>> items_;
    std::size_t bytes_ = 0;
};

}  // namespace bv::exporters
