// What a consumer group keeps in its own schema (platform.create_consumer): its position in a source and the events
// that it could not apply. Every call runs in a transaction of the consumer's store.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/events/event.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

class consumer_store {
public:
    consumer_store(std::string group, std::string source, std::string_view schema);

    // The group's position; 0, and a row for it, the first time.
    task<std::int64_t> load(storage::unit_of_work&) const;
    // Locks the position against other instances of the group and moves it. Throws failure ABORTED
    // position_moved when it is not where the caller believes it to be.
    task<void> advance(storage::unit_of_work&, std::int64_t from, std::int64_t to) const;
    // Locks it without moving it.
    task<void> lock(storage::unit_of_work&) const;

    // Keys with an unresolved dead letter.
    task<std::set<std::string>> blocked_keys(storage::unit_of_work&) const;
    // Those of the given keys that have one.
    task<std::set<std::string>> blocked_among(storage::unit_of_work&, std::vector<std::string> keys) const;
    task<std::int64_t> unresolved(storage::unit_of_work&) const;
    // Queues the insert; state is "failed" or "blocked".
    void park(storage::unit_of_work&, std::span<const event> events, std::int32_t attempts, std::string_view error,
              std::string_view state) const;

    static constexpr std::string_view position_moved = "POSITION_MOVED";

private:
    std::string group_, source_;
    pg::statement insert_position_, read_position_, lock_position_, advance_, blocked_keys_, blocked_among_, unresolved_, park_;
};

}  // namespace bv::events
