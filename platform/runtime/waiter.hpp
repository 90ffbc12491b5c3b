// One suspended coroutine that any thread may resume: what scope, gate, batcher and bulkhead are made of.
#pragma once

#include <functional>
#include <memory>

#include "platform/core/task.hpp"

namespace bv {

// Used once: one wait(), any number of wake() of which the first counts, in any order and from any thread.
// Kept by shared_ptr by both sides. A caller that is still suspended when its io_context ends is destroyed there.
class waiter : public std::enable_shared_from_this<waiter> {
public:
    [[nodiscard]] static std::shared_ptr<waiter> make();
    virtual ~waiter();

    // Suspends until woken and resumes on the caller's executor, never inside wake(). When the caller is cancelled
    // it throws system_error(operation_aborted) and a later wake() returns false; given on_cancel, that is called
    // on the caller's executor instead and the wait goes on.
    task<void> wait(std::function<void()> on_cancel = {});
    // True for the call that resumes the waiter (now or as soon as it waits); false when it was woken or cancelled before.
    bool wake() noexcept;

protected:
    waiter();

private:
    class suspensions;
    bool finish(bool aborted) noexcept;
    void abandon() noexcept;
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace bv
