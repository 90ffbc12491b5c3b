// A gate counts what is in hand, so that a stop can refuse what is new and wait for the rest.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "platform/core/task.hpp"

namespace bv {

class gate {
    struct state;

public:
    // Held while work is in hand; may be released on any thread and outlive the gate.
    class holder {
    public:
        holder(holder&&) noexcept = default;
        holder& operator=(holder&& other) noexcept {
            release();
            state_ = std::move(other.state_);
            return *this;
        }
        ~holder() { release(); }

    private:
        friend class gate;
        explicit holder(std::shared_ptr<state> s) : state_(std::move(s)) {}
        void release() noexcept;
        std::shared_ptr<state> state_;
    };

    gate();
    // nullopt once the gate is closed. Thread-safe.
    [[nodiscard]] std::optional<holder> enter();
    // Closes (at once) and resumes when the last holder is gone. Thread-safe, may be called many times.
    task<void> close();
    [[nodiscard]] std::size_t held() const noexcept;
    [[nodiscard]] bool closed() const noexcept;

private:
    std::shared_ptr<state> state_;
};

}  // namespace bv
