// What feeds a subscription: events in the order in which it applies them, whatever carries them.
//
// A mark says how far the subscription is in its feed; it grows from event to event. The embedded log's marks are the positions
// of its source. Thread-safe but for attach().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/events/outbox_reader.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/events/source_tail.hpp"

namespace bv::events {

struct supplied {
    event_ptr event;
    std::int64_t mark = 0;
};

// What a reader gets for "everything after this mark".
struct supply_slice {
    std::vector<supplied> events;  // matching ones
    std::int64_t scanned = 0;      // all up to here were looked at
    std::int64_t head = 0;         // the newest mark
    std::uint64_t generation = 0;  // another one than before: load your mark again
};

class event_supply {
public:
    virtual ~event_supply() = default;
    // Notified when there is more to take. Before the first take.
    virtual void attach(std::shared_ptr<signal>) = 0;
    // Up to max events that match types, or more when they were read at once. Throws failure while their store is away.
    virtual task<supply_slice> take(std::int64_t after, std::vector<std::string> types, std::size_t max) = 0;
    [[nodiscard]] virtual std::int64_t head() const = 0;
    // All up to this mark is applied and committed.
    virtual void applied(std::int64_t) {}
};

// The embedded log's: from memory, or from the outbox of a source when the subscription is far behind.
class tail_supply final : public event_supply {
public:
    // The reader outlives it.
    tail_supply(std::shared_ptr<source_tail> tail, outbox_reader& r) : tail_(std::move(tail)), reader_(r) {}

    void attach(std::shared_ptr<signal> s) override { tail_->attach(std::move(s)); }
    task<supply_slice> take(std::int64_t after, std::vector<std::string> types, std::size_t max) override;
    [[nodiscard]] std::int64_t head() const override { return tail_->head(); }

private:
    const std::shared_ptr<source_tail> tail_;
    outbox_reader& reader_;
};

}  // namespace bv::events
