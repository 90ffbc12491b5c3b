// Tells the logs of other processes that something was appended to an outbox here, and hears it of them: so that who has nothing to do
// need not look often.
#pragma once

#include <functional>

#include "platform/core/task.hpp"

namespace bv::events {

class bell {
public:
    virtual ~bell() = default;

    // Something was or is about to be committed. Thread-safe, does not wait; many at once are one.
    virtual void ring() noexcept = 0;
    // Whether a ring of another process would be heard now: else look as often as its news may be late. Thread-safe.
    [[nodiscard]] virtual bool hears() const noexcept = 0;

    // Both until cancelled, on one thread. hear: `rung` is called when another process has rung, or may have.
    virtual task<void> tell() = 0;
    virtual task<void> hear(std::function<void()> rung) = 0;
};

}  // namespace bv::events
