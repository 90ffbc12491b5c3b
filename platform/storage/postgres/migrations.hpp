// Forward-only migrations. Each service has its own schema and its own role, which sees nothing else.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "platform/core/embed.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

// One embedded file: its name ("0001_orders.sql") and its text.
using migration = bv::embedded_file;

// The migrations of one service. Its schema is `service`, its login role `bv_<service>`.
struct migration_set {
    std::string_view service;
    std::span<const migration> files;
};

struct migration_progress {
    std::string_view service;
    std::string_view file;
    bool applied;  // false: was there already
};

// sql/0001_platform.sql: the first files of the set "platform", which every other set may rely on.
[[nodiscard]] std::span<const migration> platform_migration_files();

// The set named "platform" comes first and has no role: its schema and functions are open to all.
// Creates missing roles (password from `password_of(service)`) and schemas, then applies each set's missing files in
// order, each in a transaction, under one advisory lock, recording the SHA-256 of each in bv_migrations.applied.
// `admin` connects as a role that may create roles and schemas, and owns what is made, so row-level security binds the
// service's role. A file runs with search_path = its schema, platform; {{schema}} and {{role}} in it are replaced.
// Several processes may migrate at once. `report` may be empty.
// Throws failure FAILED_PRECONDITION "MIGRATION_CHANGED" when a file applied earlier has other contents now, and
// "MIGRATION_MISSING" when the database has one that this binary does not know.
task<void> migrate(database& admin, std::span<const migration_set>, std::function<std::string(std::string_view service)> password_of,
                   std::function<void(const migration_progress&)> report);

}  // namespace bv::pg
