#include "platform/storage/postgres/lease_store.hpp"

#include <cmath>
#include <utility>

#include "platform/storage/postgres/schema_statement.hpp"

namespace bv::pg {
namespace {

constexpr int max_tries = 3;

double in_seconds(milliseconds d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

// A lease that is lost in a crash of the server was never used: an effect under it commits after it, and the server writes
// its log in order. So nothing here waits for the disk (synchronous_commit off).
lease_store::lease_store(database& db, std::string_view schema)
    : database_(db),
      look_(statement_in(schema, "leases.look", R"(
SELECT owner, extract(epoch FROM expires_at - clock_timestamp())::float8
FROM {{schema}}.leases WHERE name = $1)")),
      // Two unique keys and no target: whichever of them another's new row meets first, nothing happens.
      add_(statement_in(schema, "leases.add", R"(
INSERT INTO {{schema}}.leases (name, owner, fence, expires_at) VALUES ($1, '', 0, 'epoch')
ON CONFLICT DO NOTHING)")),
      // clock_timestamp() and not now(): the statement may have waited for the row.
      take_(statement_in(schema, "leases.take", R"(
UPDATE {{schema}}.leases SET owner = $2, fence = fence + 1, expires_at = clock_timestamp() + make_interval(secs => $3)
FROM set_config('synchronous_commit', 'off', true)
WHERE name = $1 AND (expires_at <= clock_timestamp() OR owner IN ($2, $4))
RETURNING fence)")),
      renew_(statement_in(schema, "leases.renew", R"(
UPDATE {{schema}}.leases SET expires_at = clock_timestamp() + make_interval(secs => $4)
FROM set_config('synchronous_commit', 'off', true)
WHERE name = $1 AND owner = $2 AND fence = $3)")),
      // The row stays, and with it the fence.
      release_(statement_in(schema, "leases.release", R"(
UPDATE {{schema}}.leases SET expires_at = 'epoch'
FROM set_config('synchronous_commit', 'off', true)
WHERE name = $1 AND owner = $2 AND fence = $3)")),
      confirm_(statement_in(schema, "leases.confirm", R"(
SELECT 1 FROM {{schema}}.leases
WHERE name = $1 AND owner = $2 AND fence = $3
FOR KEY SHARE)")) {}

task<std::expected<storage::lease, storage::lease_taken>> lease_store::acquire(std::string name, std::string owner, milliseconds life,
                                                                               std::string gone) {
    for (int tries = 0; tries < max_tries; ++tries) {
        // Looking costs no write: who waits for another's lease does little else.
        const auto there = co_await database_.query(look_, params(name));
        if (there.empty()) {
            co_await database_.query(add_, params(name));
        } else {
            auto holder = there.front().get<std::string>(0);
            const double left = there.front().get<double>(1);
            if (left > 0 && holder != owner && (gone.empty() || holder != gone))
                co_return std::unexpected(storage::lease_taken{std::move(holder), milliseconds(static_cast<std::int64_t>(std::ceil(left * 1'000)))});
        }
        const auto taken = co_await database_.query(take_, params(name, owner, in_seconds(life), gone.empty() ? owner : gone));
        if (!taken.empty()) co_return storage::lease{std::move(name), std::move(owner), taken.front().get<std::int64_t>(0)};
        // Somebody was quicker; the next look says who.
    }
    co_return std::unexpected(storage::lease_taken{});
}

task<bool> lease_store::renew(storage::lease l, milliseconds life) {
    const auto done = co_await database_.query(renew_, params(l.name, l.owner, l.fence, in_seconds(life)));
    co_return done.affected() == 1;
}

task<void> lease_store::release(storage::lease l) { co_await database_.query(release_, params(l.name, l.owner, l.fence)); }

task<void> lease_store::confirm(storage::unit_of_work& uow, const storage::lease& l) {
    const auto mine = co_await of(uow).query(confirm_, params(l.name, l.owner, l.fence));
    if (mine.empty()) throw storage::lease_lost(l);
}

}  // namespace bv::pg
