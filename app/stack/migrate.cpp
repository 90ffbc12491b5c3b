#include "app/stack/migrate.hpp"

#include "app/modules.hpp"
#include "platform/core/clock.hpp"

namespace bv::stack {

int migrate(bv::runtime& on, const pg::cluster& database, security::secrets& secrets) {
    pg::database admin({.conninfo = database.admin_conninfo(), .name = "admin", .max_connections_per_core = 1}, system_clock());
    const auto sets = app::migration_sets();
    int applied = 0;
    on.block_on(pg::migrate(admin, sets, [&secrets](std::string_view service) { return app::role_password(secrets, service); },
                            [&applied](const pg::migration_progress& p) { applied += p.applied ? 1 : 0; }));
    on.block_on(admin.close());
    return applied;
}

}  // namespace bv::stack
