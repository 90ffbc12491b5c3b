#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/core/error.hpp"
#include "platform/storage/postgres/cluster_files.hpp"

namespace bv::pg {

namespace {

constexpr int oldest = 150'000;

std::string text_of(const char* c) { return c == nullptr ? "" : c; }

}  // namespace

void check_external(const std::string& conninfo) {
    // Read first, so that what cannot be read is told without its password.
    (void)external_with(conninfo, "", "");
    const std::unique_ptr<PGconn, void (*)(PGconn*)> c(PQconnectdb(conninfo.c_str()), PQfinish);
    if (PQstatus(c.get()) != CONNECTION_OK) {
        auto said = text_of(PQerrorMessage(c.get()));
        while (said.ends_with('\n')) said.pop_back();
        const bool answered = said.find("FATAL") != said.npos || PQconnectionNeedsPassword(c.get()) == 1;
        throw failure(answered ? code::failed_precondition : code::unavailable, answered ? "DATABASE_LOGIN_REFUSED" : "DATABASE_AWAY",
                      fmt::format("the database of database.url cannot be used: {}. {}", said,
                                  answered ? "Check user, password and dbname in database.url" : "Check host and port in database.url, and that the server runs"));
    }
    if (const int version = PQserverVersion(c.get()); version < oldest)
        throw failure(code::failed_precondition, "DATABASE_VERSION",
                      fmt::format("the server of database.url is PostgreSQL {}; it must be 15 or newer", version / 10'000));
    const std::unique_ptr<PGresult, void (*)(PGresult*)> rights(
        PQexec(c.get(), "SELECT rolsuper OR rolcreaterole, has_database_privilege(current_database(), 'CREATE') FROM pg_roles WHERE rolname = current_user"), PQclear);
    if (PQresultStatus(rights.get()) != PGRES_TUPLES_OK || PQntuples(rights.get()) != 1)
        throw failure(code::unavailable, "DATABASE_AWAY", fmt::format("the database of database.url does not answer: {}", text_of(PQerrorMessage(c.get()))));
    const auto role = text_of(PQuser(c.get())), database = text_of(PQdb(c.get()));
    if (text_of(PQgetvalue(rights.get(), 0, 0)) != "t")
        throw failure(code::failed_precondition, "DATABASE_RIGHTS",
                      fmt::format("the role {} of database.url may not create roles, which each service gets one of. As a superuser: ALTER ROLE \"{}\" CREATEROLE", role, role));
    if (text_of(PQgetvalue(rights.get(), 0, 1)) != "t")
        throw failure(code::failed_precondition, "DATABASE_RIGHTS",
                      fmt::format("the role {} of database.url may not create schemas in {}. As its owner: GRANT CREATE ON DATABASE \"{}\" TO \"{}\"", role, database, database, role));
}

}  // namespace bv::pg
