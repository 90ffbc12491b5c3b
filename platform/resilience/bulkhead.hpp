// A bulkhead: at most so many calls into one dependency at a time, and at most so many waiting for a place, first come
// first served. One slow dependency then cannot take every connection and every byte of memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "platform/core/task.hpp"

namespace bv::resilience {

struct bulkhead_options {
    std::string name;  // in errors
    std::size_t concurrent = 16;
    std::size_t waiting = 64;
};

// Thread-safe. Its places may outlive it.
class bulkhead {
    struct state;

public:
    explicit bulkhead(bulkhead_options);

    // Held during the call; released on any thread.
    class place {
    public:
        place(place&& other) noexcept : state_(std::move(other.state_)) {}
        place& operator=(place&&) = delete;
        ~place();

    private:
        friend class bulkhead;
        explicit place(std::shared_ptr<state> s) : state_(std::move(s)) {}
        std::shared_ptr<state> state_;
    };

    // Resumes with a place. Throws failure RESOURCE_EXHAUSTED "BULKHEAD_FULL" when too many wait. Cancelled, it leaves
    // the queue; bound the wait with with_deadline().
    task<place> enter();

    [[nodiscard]] std::size_t in_use() const;
    [[nodiscard]] std::size_t waiting() const;

private:
    std::shared_ptr<state> state_;
};

}  // namespace bv::resilience
