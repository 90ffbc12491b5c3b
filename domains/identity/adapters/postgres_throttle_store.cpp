#include <map>

#include "domains/identity/adapters/postgres_stores.hpp"
#include "platform/core/assert.hpp"
#include "platform/security/encoding.hpp"

namespace bv::identity {

namespace {

// Sorted like the locks below, so that two log-ins never wait for each other.
constexpr pg::statement add_sql{"identity.add_throttles", R"(
    INSERT INTO identity.login_throttle (subject, blocked_until, last_attempt)
    SELECT s, '1970-01-01Z', '1970-01-01Z' FROM unnest($1::bytea[]) AS n(s) ORDER BY s
        ON CONFLICT (subject) DO NOTHING)"};

constexpr pg::statement lock_sql{"identity.lock_throttles", R"(
    SELECT subject, failures, blocked_until, last_attempt
      FROM identity.login_throttle WHERE subject = ANY($1::bytea[]) ORDER BY subject FOR UPDATE)"};

constexpr pg::statement save_sql{"identity.save_throttles", R"(
    UPDATE identity.login_throttle t
       SET failures = n.failures, blocked_until = n.blocked_until, last_attempt = n.last_attempt
      FROM unnest($1::bytea[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS n(subject, failures, blocked_until, last_attempt)
     WHERE t.subject = n.subject)"};

constexpr pg::statement purge_sql{"identity.purge_throttles", R"(
    DELETE FROM identity.login_throttle
     WHERE subject IN (SELECT subject FROM identity.login_throttle WHERE last_attempt < $1 LIMIT $2))"};

}  // namespace

std::vector<pg::bytes> postgres_throttle_store::hashed(const std::vector<std::string>& subjects) const {
    std::vector<pg::bytes> out;
    for (const auto& s : subjects) out.push_back({std::string(security::as_text(keys_.blind_index("identity.login_throttle.subject", s)))});
    return out;
}

task<std::vector<throttle_state>> postgres_throttle_store::lock(storage::unit_of_work& uow, std::vector<std::string> subjects) {
    auto& tx = pg::of(uow);
    const auto keys = hashed(subjects);
    tx.send(add_sql, pg::params(keys));
    const auto rows = co_await tx.query(lock_sql, pg::params(keys));
    std::map<std::string, throttle_state> found;
    for (const auto row : rows)
        found.emplace(row.get<pg::bytes>(0).data, throttle_state{row.get<std::int32_t>(1), row.get<time_point>(2), row.get<time_point>(3)});
    std::vector<throttle_state> out;
    for (const auto& k : keys) out.push_back(found[k.data]);
    co_return out;
}

task<void> postgres_throttle_store::save(storage::unit_of_work& uow, std::vector<std::string> subjects, std::vector<throttle_state> states) {
    BV_ASSERT(subjects.size() == states.size());
    std::vector<std::int32_t> failures;
    std::vector<time_point> blocked, last;
    for (const auto& s : states) {
        failures.push_back(s.failures);
        blocked.push_back(s.blocked_until);
        last.push_back(s.last_attempt);
    }
    pg::of(uow).send(save_sql, pg::params(hashed(subjects), failures, blocked, last));
    co_return;
}

task<std::int64_t> postgres_throttle_store::purge(storage::unit_of_work& uow, time_point before, int limit) {
    co_return (co_await pg::of(uow).query(purge_sql, pg::params(before, static_cast<std::int64_t>(limit)))).affected();
}

}  // namespace bv::identity
