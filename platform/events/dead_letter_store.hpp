// The dead letters of one group and source, in the consumer's store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/core/uuid.hpp"
#include "platform/events/dead_letter.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::events {

class dead_letter_store {
public:
    virtual ~dead_letter_store() = default;

    struct item {
        std::int64_t position;
        std::string key, traceparent;
    };

    // Without payloads, newest first.
    virtual task<std::vector<dead_letter>> list(storage::unit_of_work&, bool unresolved_only, std::int32_t limit) = 0;
    virtual task<std::optional<dead_letter>> find(storage::unit_of_work&, uuid id) = 0;
    // In position order. A target of one id includes the unresolved ones of its key before it.
    virtual task<std::vector<item>> unresolved(storage::unit_of_work&, dead_letter_target, std::int64_t after, std::int32_t limit) = 0;
    // Locks the row; nullopt when it was resolved meanwhile.
    virtual task<std::optional<event>> take_unresolved(storage::unit_of_work&, std::int64_t position) = 0;
    // Under the position's lock. May queue their writes.
    virtual void mark(storage::unit_of_work&, std::int64_t position, std::string_view state) = 0;
    virtual void failed_again(storage::unit_of_work&, std::int64_t position, std::string_view error) = 0;
    virtual task<std::int64_t> discard(storage::unit_of_work&, dead_letter_target) = 0;
};

}  // namespace bv::events
