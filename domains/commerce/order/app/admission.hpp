// How many orders may be under way at once. More than the saga can carry would wait in queues until their time-outs cancel
// them; it is better to say so at the door.
#pragma once

#include <atomic>
#include <cstdint>

#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"

namespace bv::order {

// Thread-safe.
class admission {
public:
    explicit admission(std::int64_t most_open) : most_open_(most_open) {}
    // UNAVAILABLE "OVERLOADED" with retry_after when as many are under way as may be.
    [[nodiscard]] result<void> admit();
    // Counts the open sagas, of every process. To be called now and then; in between, what is admitted here is added.
    task<void> refresh(const environment&);

private:
    const std::int64_t most_open_;
    std::atomic<std::int64_t> open_{0};
};

}  // namespace bv::order
