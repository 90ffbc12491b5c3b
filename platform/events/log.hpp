// The event log port: consumer groups over the producers' outboxes.
//
// Delivery is at least once; a handler's effect and the group's position commit in one transaction of the
// consumer's own store, so effects are once. Events of one key reach a group in order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/events/event.hpp"
#include "platform/events/horizon_watch.hpp"
#include "platform/storage/lease.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::events {

// Applies a batch (never empty; ordered by position) within the unit of work. Throws to have it retried.
// May be run again for the same batch, so it must have no effect outside the unit of work.
using batch_handler = std::function<task<void>(storage::unit_of_work&, std::span<const event>)>;

struct retry_policy {
    int attempts = 5;                    // tries of one event before it is a dead letter; not counted while a
                                         // dependency is UNAVAILABLE, which is waited for
    milliseconds first_delay{50};
    milliseconds max_delay{5'000};
};

struct subscription {
    std::string group;                   // "inventory": one position per group and source
    std::string source;                  // the producing service: "order"
    std::vector<std::string> types;      // full type names; others are passed over. Empty: all
    std::size_t max_batch = 64;
    batch_handler handler;
    storage::transactor* store = nullptr;  // the consumer's own; holds its position, inbox and dead letters
    // In the same store: of the group's instances the one that holds the lease works. None: all try, and the position lets one through.
    storage::lease_store* leases = nullptr;
    std::string consumer;                // the consuming service, whose schema that is
    storage::isolation isolation = storage::isolation::read_committed;
    // Background work: from the start of one batch to the start of the next at least so long passes, so that batches are few and large. A
    // batch costs as much as several events do. What comes after a quiet time is taken at once.
    milliseconds gather{0};
    // Its effects are the same when events are applied again, even old ones after newer ones: the group may be rewound (rewind.hpp).
    bool repeatable = false;
    retry_policy retry{};
};

// Told of events in every process that asks, for what each keeps in memory: no position is stored, and nothing is told again. Both
// functions are short, do not throw, and are called on a thread of the log.
struct observer {
    std::string source;
    std::vector<std::string> types;                 // as of a subscription
    std::function<void(const event&)> seen;         // each committed event, in order, soon after its commit
    std::function<void()> missed;                   // others may have passed unseen: first of all, and when the database began anew
};

struct subscription_status {
    std::string group, source;
    std::int64_t position = 0;           // last one applied
    std::int64_t head = 0;               // last one that is safe to read
    std::int64_t lag = 0;                // positions behind: 0 when all is applied, else at least the events left
    std::int64_t dead_letters = 0;       // unresolved
};

class log {
public:
    virtual ~log() = default;
    // Before start() only.
    virtual void subscribe(subscription) = 0;
    virtual void observe(observer) = 0;
    // Sets the subscriptions to work in the background, until stop(), and returns. A broken dependency is waited for.
    virtual task<void> start() = 0;
    // Finishes the batches in hand, then joins.
    virtual task<void> stop() = 0;
    [[nodiscard]] virtual std::vector<subscription_status> status() const = 0;
    // While a transaction that stays open has held delivery back for some seconds.
    [[nodiscard]] virtual std::optional<held_delivery> held() const { return std::nullopt; }
    // A hint that an event was appended in this process: look soon. Thread-safe, at any time.
    virtual void wake() noexcept {}
};

}  // namespace bv::events
