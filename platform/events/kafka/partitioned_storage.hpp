// Where dead letters are replayed from, for groups with partitions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "platform/events/kafka/pg_partition_store.hpp"
#include "platform/events/pg_log_storage.hpp"

namespace bv::events::kafka {

// Dead letters are replayed under the lock of all of the group's partitions.
class partitioned_storage final : public log_storage {
public:
    partitioned_storage(pg::database& reader, std::int32_t partitions) : common_(reader), partitions_(partitions) {}
    outbox_reader& outboxes() override { return common_.outboxes(); }
    std::unique_ptr<consumer_store> positions(std::string group, std::string source, std::string_view consumer) override {
        return std::make_unique<pg_partition_store>(std::move(group), std::move(source), consumer, partitions_, nullptr);
    }
    std::unique_ptr<dead_letter_store> letters(std::string group, std::string source, std::string_view consumer) override {
        return common_.letters(std::move(group), std::move(source), consumer);
    }

private:
    pg_log_storage common_;
    const std::int32_t partitions_;
};

}  // namespace bv::events::kafka
