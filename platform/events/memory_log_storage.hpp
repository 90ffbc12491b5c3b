// The event log's port in memory: what platform.create_outbox and platform.create_consumer make of a schema, as tables of a
// memory database. For simulation and tests; one thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/events/log_storage.hpp"
#include "platform/events/outbox.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::events {

// Of one service. Positions are drawn at the append and are seen at the commit, like those of a sequence.
struct memory_schema {
    using group_source = std::pair<std::string, std::string>;
    using letter_key = std::tuple<std::string, std::string, std::int64_t>;  // group, source, position

    std::int64_t drawn = 0;
    memory::table<std::int64_t, event> outbox{};
    memory::table<uuid, std::int64_t> outbox_ids{};
    memory::table<group_source, place> positions{};
    memory::table<letter_key, dead_letter> letters{};
};

// All services' of one database.
class memory_schemas {
public:
    [[nodiscard]] memory_schema& of(std::string_view service) { return all_[std::string(service)]; }
    // For checks; null: it has written nothing and reads nothing.
    [[nodiscard]] const memory_schema* find(std::string_view service) const {
        const auto at = all_.find(std::string(service));
        return at == all_.end() ? nullptr : &at->second;
    }
    // group, consumer of each source that retention waits for.
    std::map<std::string, std::set<std::pair<std::string, std::string>>> groups{};

private:
    std::map<std::string, memory_schema> all_;
};

class memory_outbox final : public outbox {
public:
    // wake is called at each append, before the commit.
    memory_outbox(memory_schema& s, std::string source, const clock& c, std::function<void()> wake = {})
        : schema_(s), source_(std::move(source)), clock_(c), wake_(std::move(wake)) {}
    task<void> append(storage::unit_of_work&, std::vector<outgoing>) override;

private:
    memory_schema& schema_;
    const std::string source_;
    const clock& clock_;
    const std::function<void()> wake_;
};

class memory_log_storage final : public log_storage {
public:
    // reads: how the log comes to the database. All outlive it.
    memory_log_storage(memory::database&, memory_schemas&, storage::transactor& reads, const clock&);
    ~memory_log_storage() override;

    outbox_reader& outboxes() override;
    std::unique_ptr<consumer_store> positions(std::string group, std::string source, std::string_view consumer) override;
    std::unique_ptr<dead_letter_store> letters(std::string group, std::string source, std::string_view consumer) override;

private:
    memory_schemas& schemas_;
    const clock& clock_;
    std::unique_ptr<outbox_reader> reader_;
};

}  // namespace bv::events
