// What this platform got from its schema registry, kept in PostgreSQL: platform.event_schema.
//
// Ids stand in records that outlive both the process and, when it is lost, the registry. So they are noted: a start without a
// registry goes on with what it knows, and a registry that gives another id for a schema than before is recognised.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/events/registry/registry_client.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events::registry {

class schema_notes {
public:
    // The database as the role bv_log; it outlives this.
    explicit schema_notes(pg::database& d) noexcept : database_(d) {}

    // By the subject and what the schema is (fingerprint_of).
    task<std::optional<registered>> find(std::string subject, std::string fingerprint);
    task<std::optional<std::string>> text_of(std::int32_t id);
    // The newest version of each of these subjects, without its text; those that have none are left out.
    task<std::map<std::string, registered>> newest(std::vector<std::string> subjects);
    task<void> note(std::string subject, std::string fingerprint, registered);

private:
    pg::database& database_;
};

// Of a schema with all that it refers to.
[[nodiscard]] std::string fingerprint_of(const std::string& text, const std::vector<reference>&);

}  // namespace bv::events::registry
