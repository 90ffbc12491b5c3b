// Statements on the dead letters of one group and source, in the consumer's schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/events/dead_letters.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

class dead_letter_store {
public:
    dead_letter_store(std::string group, std::string source, std::string_view schema);

    struct item {
        std::int64_t position;
        std::string key, traceparent;
    };

    // Without payloads, newest first.
    task<std::vector<dead_letter>> list(storage::unit_of_work&, bool unresolved_only, std::int32_t limit) const;
    task<std::optional<dead_letter>> find(storage::unit_of_work&, uuid id) const;
    // In position order. A target of one id includes the unresolved ones of its key before it.
    task<std::vector<item>> unresolved(storage::unit_of_work&, dead_letter_target, std::int64_t after, std::int32_t limit) const;
    // Locks the row; nullopt when it was resolved meanwhile.
    task<std::optional<event>> take_unresolved(storage::unit_of_work&, std::int64_t position) const;
    void mark(storage::unit_of_work&, std::int64_t position, std::string_view state) const;
    void failed_again(storage::unit_of_work&, std::int64_t position, std::string_view error) const;
    task<std::int64_t> discard(storage::unit_of_work&, dead_letter_target) const;

private:
    std::string group_, source_;
    pg::statement list_, find_, unresolved_, take_, mark_, failed_again_, discard_;
};

}  // namespace bv::events
