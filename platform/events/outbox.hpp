// The transactional outbox: events are stored with the state change that they announce.
#pragma once

#include <span>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/events/event.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::events {

class outbox {
public:
    virtual ~outbox() = default;
    // Appends in order, within the unit of work. Actor and traceparent come from the transaction's identity.
    virtual task<void> append(storage::unit_of_work&, std::vector<outgoing>) = 0;
};

}  // namespace bv::events
