#include "platform/storage/postgres/migrations.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "platform/core/assert.hpp"

namespace bv::pg {
namespace {

// Held by each transaction below; the number is arbitrary and ours.
constexpr statement lock_migrations{"bv.migrate.lock", "SELECT pg_advisory_xact_lock(7236830112457)"};

constexpr std::string_view bookkeeping = R"(
SELECT pg_advisory_xact_lock(7236830112457);
CREATE SCHEMA IF NOT EXISTS bv_migrations;
CREATE TABLE IF NOT EXISTS bv_migrations.applied (
    service     text        NOT NULL,
    file        text        NOT NULL,
    sha256      text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service, file)
);
REVOKE ALL ON SCHEMA public, bv_migrations FROM PUBLIC;
-- Functions of one schema are for that schema's role: see the grants below.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
)";

constexpr statement find_bookkeeping{"bv.migrate.find", "SELECT to_regclass('bv_migrations.applied') IS NOT NULL"};
constexpr statement read_applied{"bv.migrate.read", "SELECT service, file, sha256 FROM bv_migrations.applied ORDER BY service, file"};
constexpr statement find_applied{"bv.migrate.find_one", "SELECT sha256 FROM bv_migrations.applied WHERE service = $1 AND file = $2"};
constexpr statement record_applied{"bv.migrate.record", "INSERT INTO bv_migrations.applied (service, file, sha256) VALUES ($1, $2, $3)"};
constexpr statement find_role{"bv.migrate.role", "SELECT 1 FROM pg_roles WHERE rolname = $1"};
constexpr statement find_schema{"bv.migrate.schema", "SELECT 1 FROM pg_namespace WHERE nspname = $1"};
constexpr statement quote{"bv.migrate.quote", "SELECT quote_literal($1::text)"};

// The set of functions that every role may use; it has no role of its own.
constexpr std::string_view shared_set = "platform";

std::string sha256(std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    BV_ASSERT(EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr) == 1);
    std::string out;
    for (unsigned int i = 0; i < length; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
}

std::string role_of(std::string_view service) { return service == shared_set ? "CURRENT_USER" : fmt::format("bv_{}", service); }

// Names go into SQL as they are.
void check_name(std::string_view service) {
    const bool fine = !service.empty() && service.size() <= 40 && service.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == service.npos &&
                      service.front() >= 'a' && service.front() <= 'z' && !service.starts_with("pg_");
    if (!fine) {
        throw failure(code::invalid_argument, "MIGRATION_NAME",
                      fmt::format("\"{}\" cannot be the name of a service's schema: use at most 40 of a-z, 0-9 and _, beginning with a letter", service));
    }
}

std::string with_names(std::string_view sql, std::string_view service) {
    std::string out(sql);
    const auto replace = [&out](std::string_view what, std::string_view by) {
        for (auto at = out.find(what); at != out.npos; at = out.find(what, at + by.size())) out.replace(at, what.size(), by);
    };
    replace("{{schema}}", service);
    replace("{{role}}", role_of(service));
    return out;
}

task<bool> exists(transaction& tx, statement s, std::string name) {
    const auto found = co_await tx.query(s, params(name));
    co_return !found.empty();
}

// Runs as one transaction; all that it makes may be there already.
task<void> make_role_and_schema(transaction& tx, std::string service, std::string password) {
    co_await tx.query(lock_migrations);
    if (service != shared_set && !co_await exists(tx, find_role, role_of(service))) {
        const auto quoted = co_await tx.query(quote, params(password));
        co_await tx.execute(fmt::format("CREATE ROLE {0} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {2};\n"
                                        "ALTER ROLE {0} SET search_path = {1}, platform;",
                                        role_of(service), service, quoted.front().get<std::string_view>(0)));
    }
    if (co_await exists(tx, find_schema, service)) co_return;
    if (service == shared_set) {
        co_await tx.execute("CREATE SCHEMA platform;\n"
                            "GRANT USAGE ON SCHEMA platform TO PUBLIC;\n"
                            "ALTER DEFAULT PRIVILEGES IN SCHEMA platform GRANT EXECUTE ON FUNCTIONS TO PUBLIC;");
        co_return;
    }
    co_await tx.execute(fmt::format("CREATE SCHEMA {0};\n"
                                    "REVOKE ALL ON SCHEMA {0} FROM PUBLIC;\n"
                                    "GRANT USAGE ON SCHEMA {0} TO {1};\n"
                                    "ALTER DEFAULT PRIVILEGES IN SCHEMA {0} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {1};\n"
                                    "ALTER DEFAULT PRIVILEGES IN SCHEMA {0} GRANT USAGE, SELECT ON SEQUENCES TO {1};\n"
                                    "ALTER DEFAULT PRIVILEGES IN SCHEMA {0} GRANT EXECUTE ON FUNCTIONS TO {1};",
                                    service, role_of(service)));
}

failure changed(std::string_view service, std::string_view file) {
    return {code::failed_precondition, "MIGRATION_CHANGED",
            fmt::format("migration {} of {} was applied to this database with other contents: restore the file as it was, and put the change into a new file", file,
                        service)};
}

// True when applied now; false when another process had been quicker.
task<bool> apply_one(transaction& tx, std::string service, migration m) {
    co_await tx.query(lock_migrations);
    const auto known = co_await tx.query(find_applied, params(service, m.name));
    if (!known.empty()) {
        if (known.front().get<std::string_view>(0) != sha256(m.text)) throw changed(service, m.name);
        co_return false;
    }
    co_await tx.execute(fmt::format("SET LOCAL search_path = {0}, platform", service));
    co_await tx.execute(with_names(m.text, service));
    co_await tx.execute("SET LOCAL search_path TO DEFAULT");
    co_await tx.query(record_applied, params(service, m.name, sha256(m.text)));
    co_return true;
}

storage::transaction_options as_migrator() { return {.identity = storage::system_identity("migrate")}; }

// Roles belong to the server, the lock to one database of it: another database may make the same role meanwhile.
task<void> ensure_role_and_schema(database& admin, std::string service, std::string password) {
    for (int tries = 1;; ++tries) {
        try {
            co_await admin.run(as_migrator(), [&](storage::unit_of_work& uow) { return make_role_and_schema(of(uow), service, password); });
            co_return;
        } catch (const sql_error& e) {
            const bool was_made = e.is_unique_violation() || e.sqlstate() == "42710";
            if (!was_made || tries == 3) throw;
        }
    }
}

using applied_files = std::map<std::pair<std::string, std::string>, std::string, std::less<>>;

task<applied_files> read_state(database& admin) {
    applied_files out;
    const auto there = co_await admin.query(find_bookkeeping);
    if (!there.front().get<bool>(0)) {
        co_await admin.run(as_migrator(), [](storage::unit_of_work& uow) { return of(uow).execute(std::string(bookkeeping)); });
        co_return out;
    }
    const auto known = co_await admin.query(read_applied);
    for (const auto row : known) out.emplace(std::pair(row.get<std::string>(0), row.get<std::string>(1)), row.get<std::string>(2));
    co_return out;
}

// Refuses a database that is ahead of this binary or was made by other files.
void check_state(const applied_files& state, std::span<const migration_set> sets) {
    for (const auto& [key, digest] : state) {
        for (const auto& set : sets) {
            if (set.service != key.first) continue;
            const auto file = std::ranges::find(set.files, std::string_view(key.second), &migration::name);
            if (file == set.files.end()) {
                throw failure(code::failed_precondition, "MIGRATION_MISSING",
                              fmt::format("the database has migration {} of {}, which this program does not know: it was made by a newer version, so run that one", key.second,
                                          key.first));
            }
            if (sha256(file->text) != digest) throw changed(key.first, key.second);
        }
    }
}

task<void> apply_set(database& admin, migration_set set, const applied_files& state, const std::function<void(const migration_progress&)>& report) {
    const std::string service(set.service);
    for (const auto& file : set.files) {
        bool applied = false;
        if (!state.contains(std::pair(service, std::string(file.name)))) {
            try {
                applied = co_await admin.transact(as_migrator(), [&](storage::unit_of_work& uow) { return apply_one(of(uow), service, file); });
            } catch (const sql_error& e) {
                auto error = e.error();
                error.message = fmt::format("migration {} of {} failed: {}", file.name, service, error.message);
                throw sql_error(std::move(error), e.sqlstate(), e.constraint());
            }
        }
        if (report) report({set.service, file.name, applied});
    }
}

}  // namespace

task<void> migrate(database& admin, std::span<const migration_set> sets, std::function<std::string(std::string_view service)> password_of,
                   std::function<void(const migration_progress&)> report) {
    for (const auto& set : sets) {
        check_name(set.service);
        if (!std::ranges::is_sorted(set.files, {}, &migration::name)) {
            throw failure(code::invalid_argument, "MIGRATION_ORDER", fmt::format("the migrations of {} are not in the order of their names", set.service));
        }
    }
    const auto state = co_await read_state(admin);
    check_state(state, sets);
    // Roles and schemas first: a migration may grant to a role of a later set.
    for (const auto& set : sets) {
        const std::string service(set.service);
        std::string password = service == shared_set ? std::string() : password_of(service);
        co_await ensure_role_and_schema(admin, service, std::move(password));
    }
    for (const auto& set : sets) co_await apply_set(admin, set, state, report);
}

}  // namespace bv::pg
