// How many things may be in hand at once: a thread waits for a permit, another gives it back.
#pragma once

#include <condition_variable>
#include <mutex>

namespace bv::replay {

// Thread-safe.
class permits {
public:
    explicit permits(int count) : free_(count), all_(count) {}

    // Blocks for a permit; false once closed.
    bool take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return free_ > 0 || closed_; });
        if (closed_) return false;
        --free_;
        return true;
    }
    void give_back() {
        const std::lock_guard lock(mutex_);
        ++free_;
        changed_.notify_all();
    }
    // Blocks until every permit is back.
    void wait_for_all() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return free_ == all_; });
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] int taken() const {
        const std::lock_guard lock(mutex_);
        return all_ - free_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int free_, all_;
    bool closed_ = false;
};

}  // namespace bv::replay
