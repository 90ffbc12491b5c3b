// What a consumer group keeps in its own store: its position in a source and the events that it could not apply. Every
// call runs in a transaction of that store.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/events/event.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::events {

// Where a group is, and the fence of the lease under which it got there; 0 without leases.
struct place {
    std::int64_t position = 0;
    std::int64_t fence = 0;
};

class consumer_store {
public:
    virtual ~consumer_store() = default;

    // Where the group is; at 0, and a row for it, the first time.
    virtual task<place> load(storage::unit_of_work&) = 0;
    // The same, for the holder of a lease: from its commit on lower fences move nothing. Throws failure ABORTED position_moved when a
    // higher one has been here.
    virtual task<place> take(storage::unit_of_work&, std::int64_t fence) = 0;
    // Locks the position against other instances of the group and moves it. Throws failure ABORTED
    // position_moved when it, or its fence, is not what the caller believes it to be.
    virtual task<void> advance(storage::unit_of_work&, place from, std::int64_t to) = 0;
    // Locks it without moving it.
    virtual task<void> lock(storage::unit_of_work&) = 0;

    // Keys with an unresolved dead letter.
    virtual task<std::set<std::string>> blocked_keys(storage::unit_of_work&) = 0;
    // Those of the given keys that have one.
    virtual task<std::set<std::string>> blocked_among(storage::unit_of_work&, std::vector<std::string> keys) = 0;
    virtual task<std::int64_t> unresolved(storage::unit_of_work&) = 0;
    // Under the position's lock. May queue the write; state is "failed" or "blocked".
    virtual void park(storage::unit_of_work&, std::span<const event> events, std::int32_t attempts, std::string_view error,
                      std::string_view state) = 0;

    static constexpr std::string_view position_moved = "POSITION_MOVED";
};

// What take() and advance() throw.
[[nodiscard]] failure position_moved(const std::string& group, const std::string& source, place from);

}  // namespace bv::events
