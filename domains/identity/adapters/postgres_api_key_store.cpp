#include "domains/identity/adapters/hash_bytes.hpp"
#include "domains/identity/adapters/postgres_stores.hpp"

namespace bv::identity {

namespace {

#define BV_KEY_COLUMNS "id, label, secret_hash, roles, created_at, expires_at, last_use_at, revoked_at"

constexpr pg::statement insert_sql{"identity.insert_api_key", R"(
    INSERT INTO identity.api_keys (id, label, secret_hash, roles, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING)"};

constexpr pg::statement find_sql{"identity.find_api_key", "SELECT " BV_KEY_COLUMNS " FROM identity.api_keys WHERE id = $1"};

constexpr pg::statement list_sql{"identity.list_api_keys", "SELECT " BV_KEY_COLUMNS " FROM identity.api_keys WHERE id > $1 ORDER BY id LIMIT $2"};

constexpr pg::statement revoke_sql{"identity.revoke_api_key", R"(
    UPDATE identity.api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL)"};

constexpr pg::statement touch_sql{"identity.touch_api_key", "UPDATE identity.api_keys SET last_use_at = $2 WHERE id = $1"};

#undef BV_KEY_COLUMNS

api_key read(pg::row row) {
    return {row.get<api_key_id>(0), row.get<std::string>(1), hash_of(row.get<pg::bytes>(2)), row.get<std::vector<std::string>>(3), row.get<time_point>(4),
            row.get<std::optional<time_point>>(5), row.get<std::optional<time_point>>(6), row.get<std::optional<time_point>>(7)};
}

}  // namespace

task<void> postgres_api_key_store::insert(storage::unit_of_work& uow, api_key k) {
    pg::of(uow).send(insert_sql, pg::params(k.id, k.label, bytes_of(k.secret), k.roles, k.created_at, k.expires_at));
    co_return;
}

task<std::optional<api_key>> postgres_api_key_store::find(storage::unit_of_work& uow, api_key_id id) {
    const auto rows = co_await pg::of(uow).query(find_sql, pg::params(id));
    if (rows.empty()) co_return std::nullopt;
    co_return read(rows.front());
}

task<std::vector<api_key>> postgres_api_key_store::list(storage::unit_of_work& uow, api_key_id after, int limit) {
    std::vector<api_key> out;
    const auto rows = co_await pg::of(uow).query(list_sql, pg::params(after, static_cast<std::int64_t>(limit)));
    for (const auto row : rows) out.push_back(read(row));
    co_return out;
}

task<bool> postgres_api_key_store::revoke(storage::unit_of_work& uow, api_key_id id, time_point at) {
    co_return (co_await pg::of(uow).query(revoke_sql, pg::params(id, at))).affected() == 1;
}

task<void> postgres_api_key_store::touch(storage::unit_of_work& uow, api_key_id id, time_point used_at) {
    pg::of(uow).send(touch_sql, pg::params(id, used_at));
    co_return;
}

}  // namespace bv::identity
