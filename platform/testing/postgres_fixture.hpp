// A PostgreSQL server for the tests of one process: made in a directory under /tmp at first use, without fsync, ended
// and removed when the process ends. A killed process leaves nothing that harms: the kernel ends its server, and the
// next run removes its directory.
//
//   auto db = bv::testing::postgres::instance().database("orders");   // fresh and empty
//   db.migrate(sets);                                                 // roles bv_<service> with password role_password
//   pg::database orders(db.options("bv_order"), system_clock());
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "platform/storage/postgres/cluster.hpp"
#include "platform/storage/postgres/database.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/testing/run.hpp"

namespace bv::testing {

// One database of the test's server. Copyable.
class test_database {
public:
    explicit test_database(std::string name) : name_(std::move(name)) {}
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::string admin_conninfo() const;
    [[nodiscard]] std::string conninfo(std::string_view role) const;
    // Options with few connections and short time-outs. admin_options: as the superuser.
    [[nodiscard]] pg::options options(std::string_view role) const;
    [[nodiscard]] pg::options admin_options() const;
    // Blocking: not on a runtime thread. Throws what pg::migrate throws.
    void migrate(std::span<const pg::migration_set>) const;

private:
    std::string name_;
};

// Blocking; any thread.
class postgres {
public:
    static constexpr std::string_view role_password = "role-password";

    static postgres& instance();
    // A new database whose name begins with this one.
    [[nodiscard]] test_database database(std::string_view name = "test");
    // Ends the server and starts it again, with its data. immediate: as a crash does.
    void stop(pg::cluster::mode = pg::cluster::mode::fast);
    void start();
    // Of the postmaster.
    [[nodiscard]] pid_t pid() const;
    [[nodiscard]] std::string conninfo(std::string_view role, std::string_view password, std::string_view database) const;
    [[nodiscard]] std::string admin_conninfo(std::string_view database) const;

private:
    postgres();
    ~postgres();
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::testing
