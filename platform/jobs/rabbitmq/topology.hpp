// What the jobs of one queue need at RabbitMQ, and making it:
//
//   exchange PREFIXjobs ──► queue PREFIXjobs.QUEUE ──► consumers
//                      └──► queue PREFIXjobs.QUEUE.wait.MS, one a tier; when its time is over a message goes back to the first
//   exchange PREFIXjobs.dead ──► queue PREFIXjobs.QUEUE.dead: messages whose consumers ended too often
#pragma once

#include <string>

#include "platform/jobs/rabbitmq/connection.hpp"

namespace bv::jobs::rabbitmq {

class topology {
public:
    // Throws failure INVALID_ARGUMENT "RABBITMQ_SHAPE" for tiers that are none, or not each longer than the one before.
    explicit topology(shape);

    // Makes what is missing. Throws failure FAILED_PRECONDITION "RABBITMQ_TOPOLOGY" for what is there otherwise.
    void declare(connection&) const;

    [[nodiscard]] const std::string& exchange() const noexcept { return exchange_; }
    [[nodiscard]] const std::string& work() const noexcept { return work_; }
    [[nodiscard]] std::string dead() const { return work_ + ".dead"; }
    // For what is due after `delay`: the work queue, or a tier. Where none is near after it, one before it: it comes early, and is sent on.
    [[nodiscard]] std::string key_after(milliseconds delay) const;

private:
    [[nodiscard]] std::string waiting(milliseconds tier) const;
    const shape shape_;
    const std::string exchange_, work_;
};

}  // namespace bv::jobs::rabbitmq
