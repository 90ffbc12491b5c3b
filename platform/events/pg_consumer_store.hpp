// consumer_store in PostgreSQL: the tables that platform.create_consumer makes in the consumer's schema.
#pragma once

#include <string>
#include <string_view>

#include "platform/events/consumer_store.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

class pg_consumer_store final : public consumer_store {
public:
    pg_consumer_store(std::string group, std::string source, std::string_view schema);

    task<place> load(storage::unit_of_work&) override;
    task<place> take(storage::unit_of_work&, std::int64_t fence) override;
    task<void> advance(storage::unit_of_work&, place from, std::int64_t to) override;
    task<void> lock(storage::unit_of_work&) override;
    task<std::set<std::string>> blocked_keys(storage::unit_of_work&) override;
    task<std::set<std::string>> blocked_among(storage::unit_of_work&, std::vector<std::string> keys) override;
    task<std::int64_t> unresolved(storage::unit_of_work&) override;
    void park(storage::unit_of_work&, std::span<const event> events, std::int32_t attempts, std::string_view error,
              std::string_view state) override;

private:
    task<void> leave_partitions(storage::unit_of_work&);
    std::string group_, source_;
    pg::statement insert_position_, read_position_, take_position_, read_partitions_, drop_partitions_, jump_, lock_position_, advance_, blocked_keys_, blocked_among_, unresolved_, park_;
};

}  // namespace bv::events
