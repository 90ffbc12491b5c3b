// The embedded log's world for tests: a schema that produces and one that consumes, in a private PostgreSQL.
#pragma once

#include <memory>
#include <string>

#include "platform/events/embedded_log.hpp"
#include "platform/events/log_world.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/storage/postgres/lease_store.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::events {

// Fresh for each test: a database whose services "maker" and "taker" see no more than they would in production.
class pg_log_world : public log_world {
public:
    // leased: instances of a group take turns.
    explicit pg_log_world(embedded_log_options = fast(), bool leased = false);
    ~pg_log_world() override;

    // Looks often, and gives batches in hand no long grace.
    [[nodiscard]] static embedded_log_options fast();

    runtime& cores() override { return runtime_; }
    std::unique_ptr<log> make_log() override { return make_embedded(options_); }
    std::unique_ptr<embedded_log> make_embedded() { return make_embedded(options_); }
    std::unique_ptr<embedded_log> make_embedded(embedded_log_options);
    std::string source() override { return "maker"; }
    std::string consumer() override { return "taker"; }
    storage::transactor& producer() override { return maker_; }
    storage::transactor& store() override { return taker_; }
    outbox& box() override { return box_; }
    storage::lease_store* leases() override { return leased_ ? &leases_ : nullptr; }
    task<void> remember(storage::unit_of_work&, std::string group, event) override;
    task<std::vector<effect>> effects(std::string group) override;
    task<std::int64_t> unresolved_dead_letters(std::string group) override;

    pg::database& admin() { return admin_; }
    pg::database& reader() { return reader_; }
    void execute(std::string statements);           // as the superuser
    std::int64_t number(const std::string& query);  // its first column, as the superuser

private:
    embedded_log_options options_;
    testing::test_database database_;
    runtime runtime_{2};
    pg::database admin_, maker_, taker_, reader_;
    pg_outbox box_{"maker"};
    pg::lease_store leases_{taker_, "taker"};
    const bool leased_;
};

}  // namespace bv::events
