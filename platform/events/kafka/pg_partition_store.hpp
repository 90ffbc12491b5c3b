// consumer_store in PostgreSQL for a group whose source comes in partitions: the table consumer_partition, which
// platform.create_consumer makes in the consumer's schema. Dead letters are those of every group (pg_consumer_store).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/events/kafka/partition_feed.hpp"
#include "platform/events/pg_consumer_store.hpp"

namespace bv::events::kafka {

class pg_partition_store final : public consumer_store {
public:
    // No feed: for replays, which move nothing.
    pg_partition_store(std::string group, std::string source, std::string_view schema, std::int32_t partitions, std::shared_ptr<partition_feed> feed);

    // Of all partitions; makes the rows that are missing, at what the group has passed already in an embedded log.
    task<std::vector<partition_position>> read(storage::unit_of_work&);

    // Marks of the feed.
    task<place> load(storage::unit_of_work&) override;
    // Instances share partitions instead of taking turns: the fence is none.
    task<place> take(storage::unit_of_work& uow, std::int64_t) override { return load(uow); }
    task<void> advance(storage::unit_of_work&, place from, std::int64_t to) override;
    // All partitions of the group.
    task<void> lock(storage::unit_of_work&) override;
    task<std::set<std::string>> blocked_keys(storage::unit_of_work& uow) override { return common_.blocked_keys(uow); }
    task<std::set<std::string>> blocked_among(storage::unit_of_work& uow, std::vector<std::string> keys) override {
        return common_.blocked_among(uow, std::move(keys));
    }
    task<std::int64_t> unresolved(storage::unit_of_work& uow) override { return common_.unresolved(uow); }
    // With where their records stand, so that they are told (told_letters.hpp).
    void park(storage::unit_of_work&, std::span<const event> events, std::int32_t attempts, std::string_view error, std::string_view state) override;

private:
    const std::string group_, source_;
    const std::int32_t partitions_;
    const std::shared_ptr<partition_feed> feed_;
    pg_consumer_store common_;
    pg::statement insert_group_, insert_partitions_, read_, lock_, advance_, note_records_;
};

}  // namespace bv::events::kafka
