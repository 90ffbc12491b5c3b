// Where an event log keeps what it needs: the producers' outboxes, and what each group keeps with its consumer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "platform/events/consumer_store.hpp"
#include "platform/events/dead_letter_store.hpp"
#include "platform/events/outbox_reader.hpp"
#include "platform/storage/lease.hpp"

namespace bv::events {

// Thread-safe. `consumer` names the service in whose store the group keeps its things.
class log_storage {
public:
    virtual ~log_storage() = default;
    virtual outbox_reader& outboxes() = 0;
    virtual std::unique_ptr<consumer_store> positions(std::string group, std::string source, std::string_view consumer) = 0;
    virtual std::unique_ptr<dead_letter_store> letters(std::string group, std::string source, std::string_view consumer) = 0;
    // By which processes agree on who does what is done once; null: there is one process.
    virtual storage::lease_store* leases() { return nullptr; }
};

}  // namespace bv::events
