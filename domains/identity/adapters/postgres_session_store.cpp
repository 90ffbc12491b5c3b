#include "domains/identity/adapters/hash_bytes.hpp"
#include "domains/identity/adapters/postgres_stores.hpp"

namespace bv::identity {

namespace {

constexpr pg::statement insert_sql{"identity.insert_session", R"(
    INSERT INTO identity.sessions (id, account_id, family_hash, token_hash, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6))"};

constexpr pg::statement account_of_sql{"identity.account_of_session", "SELECT account_id FROM identity.sessions WHERE family_hash = $1"};

constexpr pg::statement lock_by_family_sql{"identity.lock_session", R"(
    SELECT id, account_id, family_hash, token_hash, created_at, expires_at, ended_at
      FROM identity.sessions WHERE family_hash = $1 FOR UPDATE)"};

constexpr pg::statement rotate_sql{"identity.rotate_session", R"(
    UPDATE identity.sessions SET token_hash = $2, expires_at = $3 WHERE id = $1)"};

constexpr pg::statement end_sql{"identity.end_sessions", R"(
    UPDATE identity.sessions SET ended_at = $3
     WHERE account_id = $1 AND ended_at IS NULL AND ($2::uuid IS NULL OR id = $2)
    RETURNING id)"};

constexpr pg::statement purge_sql{"identity.purge_sessions", R"(
    DELETE FROM identity.sessions
     WHERE id IN (SELECT id FROM identity.sessions WHERE ended_at < $1
                  UNION SELECT id FROM identity.sessions WHERE expires_at < $1 LIMIT $2))"};

}  // namespace

task<void> postgres_session_store::insert(storage::unit_of_work& uow, session s) {
    pg::of(uow).send(insert_sql, pg::params(s.id, s.account, bytes_of(s.family), bytes_of(s.current), s.created_at, s.expires_at));
    co_return;
}

task<std::optional<account_id>> postgres_session_store::account_of(storage::unit_of_work& uow, secret_hash family) {
    const auto rows = co_await pg::of(uow).query(account_of_sql, pg::params(bytes_of(family)));
    if (rows.empty()) co_return std::nullopt;
    co_return rows.front().get<account_id>(0);
}

task<std::optional<session>> postgres_session_store::lock_by_family(storage::unit_of_work& uow, secret_hash family) {
    const auto rows = co_await pg::of(uow).query(lock_by_family_sql, pg::params(bytes_of(family)));
    if (rows.empty()) co_return std::nullopt;
    const auto row = rows.front();
    co_return session{row.get<session_id>(0),  row.get<account_id>(1), hash_of(row.get<pg::bytes>(2)), hash_of(row.get<pg::bytes>(3)),
                      row.get<time_point>(4), row.get<time_point>(5), row.get<std::optional<time_point>>(6)};
}

task<void> postgres_session_store::rotate(storage::unit_of_work& uow, session_id id, secret_hash current, time_point expires_at) {
    pg::of(uow).send(rotate_sql, pg::params(id, bytes_of(current), expires_at));
    co_return;
}

task<std::vector<session_id>> postgres_session_store::end(storage::unit_of_work& uow, account_id account, std::optional<session_id> only, time_point at) {
    std::vector<session_id> out;
    const auto rows = co_await pg::of(uow).query(end_sql, pg::params(account, only ? std::optional(only->value) : std::nullopt, at));
    for (const auto row : rows) out.push_back(row.get<session_id>(0));
    co_return out;
}

task<std::int64_t> postgres_session_store::purge(storage::unit_of_work& uow, time_point before, int limit) {
    co_return (co_await pg::of(uow).query(purge_sql, pg::params(before, static_cast<std::int64_t>(limit)))).affected();
}

}  // namespace bv::identity
