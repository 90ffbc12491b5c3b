// A schema that produces and one that consumes, for benches of event logs: their tables, and a handler that inserts an effect of
// each event.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/events/log.hpp"
#include "platform/events/migrations.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/cluster.hpp"
#include "platform/storage/postgres/database.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::bench {

using session = std::unique_ptr<PGconn, void (*)(PGconn*)>;

inline constexpr int batch = 64;
inline constexpr std::array maker_files{embedded_file{"0001_maker.sql", "SELECT platform.create_outbox('{{schema}}');"}};
inline constexpr std::array taker_files{embedded_file{"0001_taker.sql", R"(
    SELECT platform.create_consumer('{{schema}}');
    CREATE TABLE taker.effect (group_name text NOT NULL, id uuid NOT NULL, key text NOT NULL, payload bytea NOT NULL, PRIMARY KEY (group_name, id));
    GRANT SELECT, INSERT ON taker.effect TO bv_taker;)"}};

inline constexpr pg::statement insert_effects{"bench.insert_effects", R"(
    INSERT INTO taker.effect (group_name, id, key, payload) SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bytea[]))"};

inline std::string password_of(std::string_view) { return "bench"; }

inline session connect(const std::string& conninfo) {
    session c(PQconnectdb(conninfo.c_str()), PQfinish);
    if (PQstatus(c.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(c.get()));
    return c;
}

inline std::string run(const session& c, const std::string& sql) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> r(PQexec(c.get(), sql.c_str()), PQclear);
    const auto status = PQresultStatus(r.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(c.get()));
    return PQntuples(r.get()) > 0 ? PQgetvalue(r.get(), 0, 0) : "";
}

inline void fill(const session& admin, int events) {
    run(admin, fmt::format("INSERT INTO maker.outbox (id, type, key, actor, traceparent, payload) "
                           "SELECT gen_random_uuid(), 'bench.v1.Happened', 'key-' || n % 1000, 'service:maker', '', decode(repeat('ab', 300), 'hex') "
                           "FROM generate_series(1, {}) AS n",
                           events));
    run(admin, "ANALYZE maker.outbox");
}

inline double seconds_since(std::chrono::steady_clock::time_point t) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count(); }

inline task<void> apply(storage::unit_of_work& uow, std::string group, std::span<const events::event> some) {
    std::vector<uuid> ids;
    std::vector<std::string> keys;
    std::vector<pg::bytes> payloads;
    for (const auto& e : some) ids.push_back(e.id), keys.push_back(e.key), payloads.push_back({e.payload});
    pg::of(uow).send(insert_effects, pg::params(group, ids, keys, payloads));
    co_return;
}

inline void migrate(runtime& threads, pg::database& admin) {
    std::vector<pg::migration> platform(pg::platform_migration_files().begin(), pg::platform_migration_files().end());
    platform.insert(platform.end(), events::migration_files().begin(), events::migration_files().end());
    const std::array sets{pg::migration_set{"platform", platform}, pg::migration_set{"log", {}}, pg::migration_set{"maker", maker_files},
                          pg::migration_set{"taker", taker_files}};
    threads.block_on(pg::migrate(admin, sets, &password_of, [](const pg::migration_progress&) {}));
}

}  // namespace bv::bench
