#include "domains/identity/adapters/postgres_stores.hpp"
#include "domains/identity/app/environment.hpp"

namespace bv::identity {

namespace {

constexpr pg::statement since_sql{"identity.revocations_since", R"(
    SELECT 1::smallint, id, ended_at FROM identity.sessions WHERE ended_at >= $1
    UNION ALL
    SELECT 2::smallint, id, tokens_valid_from FROM identity.accounts WHERE tokens_valid_from >= $1
    UNION ALL
    SELECT 3::smallint, id, revoked_at FROM identity.api_keys WHERE revoked_at >= $2)"};

constexpr pg::statement lock_sql{"identity.lock_key_rotation", "SELECT 1 FROM pg_advisory_xact_lock(hashtext('identity.key_rotation'))"};

}  // namespace

task<std::vector<revocation>> postgres_revocation_store::since(storage::unit_of_work& uow, time_point at) {
    std::vector<revocation> out;
    const auto rows = co_await pg::of(uow).query(since_sql, pg::params(at, at - still_traded));
    for (const auto row : rows) {
        const auto table = row.get<std::int16_t>(0);
        const auto when = row.get<time_point>(2);
        out.push_back({table == 1 ? revocation::kind::session : revocation::kind::subject, row.get<uuid>(1), table == 3 ? when + still_traded : when});
    }
    co_return out;
}

task<void> postgres_revocation_store::lock_key_rotation(storage::unit_of_work& uow) {
    co_await pg::of(uow).query(lock_sql);
}

}  // namespace bv::identity
