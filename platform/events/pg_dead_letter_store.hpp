// dead_letter_store in PostgreSQL: the table dead_letter of the consumer's schema.
#pragma once

#include <string>
#include <string_view>

#include "platform/events/dead_letter_store.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

class pg_dead_letter_store final : public dead_letter_store {
public:
    pg_dead_letter_store(std::string group, std::string source, std::string_view schema);

    task<std::vector<dead_letter>> list(storage::unit_of_work&, bool unresolved_only, std::int32_t limit) override;
    task<std::optional<dead_letter>> find(storage::unit_of_work&, uuid id) override;
    task<std::vector<item>> unresolved(storage::unit_of_work&, dead_letter_target, std::int64_t after, std::int32_t limit) override;
    task<std::optional<event>> take_unresolved(storage::unit_of_work&, std::int64_t position) override;
    void mark(storage::unit_of_work&, std::int64_t position, std::string_view state) override;
    void failed_again(storage::unit_of_work&, std::int64_t position, std::string_view error) override;
    task<std::int64_t> discard(storage::unit_of_work&, dead_letter_target) override;

private:
    std::string group_, source_;
    pg::statement list_, find_, unresolved_, take_, mark_, failed_again_, discard_;
};

}  // namespace bv::events
