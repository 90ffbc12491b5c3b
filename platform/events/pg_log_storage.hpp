// The event log's port in PostgreSQL: the schemas of one database.
#pragma once

#include "platform/events/log_storage.hpp"
#include "platform/events/pg_consumer_store.hpp"
#include "platform/events/pg_dead_letter_store.hpp"
#include "platform/events/pg_outbox_reader.hpp"
#include "platform/storage/postgres/lease_store.hpp"

namespace bv::events {

class pg_log_storage final : public log_storage {
public:
    // reader: the database as the role bv_log.
    explicit pg_log_storage(pg::database& reader) : reader_(reader), leases_(reader, "platform") {}

    outbox_reader& outboxes() override { return reader_; }
    std::unique_ptr<consumer_store> positions(std::string group, std::string source, std::string_view consumer) override {
        return std::make_unique<pg_consumer_store>(std::move(group), std::move(source), consumer);
    }
    std::unique_ptr<dead_letter_store> letters(std::string group, std::string source, std::string_view consumer) override {
        return std::make_unique<pg_dead_letter_store>(std::move(group), std::move(source), consumer);
    }

    storage::lease_store* leases() override { return &leases_; }

private:
    pg_outbox_reader reader_;
    pg::lease_store leases_;
};

}  // namespace bv::events
