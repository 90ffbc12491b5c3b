#include "platform/events/pg_consumer_store.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "platform/events/names.hpp"

namespace bv::events {
namespace {

constexpr std::string_view insert_position_sql = R"(
    INSERT INTO {}.consumer_position (group_name, source) VALUES ($1, $2) ON CONFLICT DO NOTHING)";
constexpr std::string_view read_position_sql = R"(
    SELECT position, fence FROM {}.consumer_position WHERE group_name = $1 AND source = $2)";
// Waits for the transaction of who had it before, if there is one.
constexpr std::string_view take_position_sql = R"(
    UPDATE {}.consumer_position SET fence = $3
    WHERE group_name = $1 AND source = $2 AND fence <= $3
    RETURNING position)";
constexpr std::string_view read_partitions_sql = R"(
    SELECT min(position), max(position) FROM {}.consumer_partition WHERE group_name = $1 AND source = $2)";
constexpr std::string_view drop_partitions_sql = R"(
    DELETE FROM {}.consumer_partition WHERE group_name = $1 AND source = $2)";
constexpr std::string_view jump_sql = R"(
    UPDATE {}.consumer_position SET position = greatest(position, $3), updated_at = now() WHERE group_name = $1 AND source = $2)";
constexpr std::string_view lock_position_sql = R"(
    SELECT position FROM {}.consumer_position WHERE group_name = $1 AND source = $2 FOR UPDATE)";
// Locks, verifies and moves in one statement: who comes second waits for the first and then finds no row.
constexpr std::string_view advance_sql = R"(
    UPDATE {}.consumer_position SET position = $4, updated_at = now()
    WHERE group_name = $1 AND source = $2 AND position = $3 AND fence = $5)";
constexpr std::string_view blocked_keys_sql = R"(
    SELECT DISTINCT key FROM {}.dead_letter
    WHERE group_name = $1 AND source = $2 AND state IN ('failed', 'blocked'))";
constexpr std::string_view blocked_among_sql = R"(
    SELECT DISTINCT key FROM {}.dead_letter
    WHERE group_name = $1 AND source = $2 AND state IN ('failed', 'blocked') AND key = ANY ($3))";
constexpr std::string_view unresolved_sql = R"(
    SELECT count(*) FROM {}.dead_letter
    WHERE group_name = $1 AND source = $2 AND state IN ('failed', 'blocked'))";
// One that was resolved before comes again with a group that was rewound.
constexpr std::string_view park_sql = R"(
    INSERT INTO {}.dead_letter AS d (group_name, source, position, id, type, key, time, actor, traceparent, payload,
                                attempts, error, state)
    SELECT $1, $2, e.position, e.id, e.type, e.key, e.time, e.actor, e.traceparent, e.payload, $3, $4, $5
    FROM unnest($6::bigint[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::bytea[])
         AS e(position, id, type, key, time, actor, traceparent, payload)
    ON CONFLICT (group_name, source, position) DO UPDATE
    SET attempts = excluded.attempts, error = excluded.error, state = excluded.state, last_failed_at = now(), resolved_at = NULL, told_at = NULL
    WHERE d.state IN ('replayed', 'discarded'))";

std::set<std::string> keys_of(const pg::rows& rows) {
    std::set<std::string> out;
    for (auto row : rows) out.insert(row.get<std::string>(0));
    return out;
}

}  // namespace

pg_consumer_store::pg_consumer_store(std::string group, std::string source, std::string_view schema)
    : group_(std::move(group)),
      source_(std::move(source)),
      insert_position_(statement_for(schema, "events.insert_position", insert_position_sql)),
      read_position_(statement_for(schema, "events.read_position", read_position_sql)),
      take_position_(statement_for(schema, "events.take_position", take_position_sql)),
      read_partitions_(statement_for(schema, "events.partitions_left", read_partitions_sql)),
      drop_partitions_(statement_for(schema, "events.drop_partitions", drop_partitions_sql)),
      jump_(statement_for(schema, "events.jump", jump_sql)),
      lock_position_(statement_for(schema, "events.lock_position", lock_position_sql)),
      advance_(statement_for(schema, "events.advance", advance_sql)),
      blocked_keys_(statement_for(schema, "events.blocked_keys", blocked_keys_sql)),
      blocked_among_(statement_for(schema, "events.blocked_among", blocked_among_sql)),
      unresolved_(statement_for(schema, "events.unresolved", unresolved_sql)),
      park_(statement_for(schema, "events.park", park_sql)) {}

// A log with partitions carried this group before. Where all of them are equally far, that is where it is.
task<void> pg_consumer_store::leave_partitions(storage::unit_of_work& uow) {
    auto& tx = pg::of(uow);
    const auto found = co_await tx.query(read_partitions_, pg::params(group_, source_));
    const auto first = found.front().get<std::optional<std::int64_t>>(0), last = found.front().get<std::optional<std::int64_t>>(1);
    if (!first) co_return;
    if (*first != *last)
        throw failure(code::failed_precondition, "PARTITIONS_NOT_EVEN",
                      fmt::format("group {} of {} stands between positions {} and {} of a log with partitions: start with events.log=kafka again, until bv "
                                  "status shows that nothing is behind, and then with this log", group_, source_, *first, *last));
    tx.send(drop_partitions_, pg::params(group_, source_));
    tx.send(jump_, pg::params(group_, source_, *last));
}

task<place> pg_consumer_store::load(storage::unit_of_work& uow) {
    auto& tx = pg::of(uow);
    co_await leave_partitions(uow);
    auto found = co_await tx.query(read_position_, pg::params(group_, source_));
    if (found.empty()) {
        tx.send(insert_position_, pg::params(group_, source_));
        found = co_await tx.query(read_position_, pg::params(group_, source_));
    }
    co_return place{found.front().get<std::int64_t>(0), found.front().get<std::int64_t>(1)};
}

task<place> pg_consumer_store::take(storage::unit_of_work& uow, std::int64_t fence) {
    const auto there = co_await load(uow);
    const auto taken = co_await pg::of(uow).query(take_position_, pg::params(group_, source_, fence));
    if (taken.empty()) throw events::position_moved(group_, source_, {there.position, fence});
    co_return place{taken.front().get<std::int64_t>(0), fence};
}

task<void> pg_consumer_store::advance(storage::unit_of_work& uow, place from, std::int64_t to) {
    const auto moved = co_await pg::of(uow).query(advance_, pg::params(group_, source_, from.position, to, from.fence));
    if (moved.affected() != 1)
        throw events::position_moved(group_, source_, from);
}

task<void> pg_consumer_store::lock(storage::unit_of_work& uow) {
    co_await pg::of(uow).query(lock_position_, pg::params(group_, source_));
}

task<std::set<std::string>> pg_consumer_store::blocked_keys(storage::unit_of_work& uow) {
    co_return keys_of(co_await pg::of(uow).query(blocked_keys_, pg::params(group_, source_)));
}

task<std::set<std::string>> pg_consumer_store::blocked_among(storage::unit_of_work& uow, std::vector<std::string> keys) {
    co_return keys_of(co_await pg::of(uow).query(blocked_among_, pg::params(group_, source_, keys)));
}

task<std::int64_t> pg_consumer_store::unresolved(storage::unit_of_work& uow) {
    const auto found = co_await pg::of(uow).query(unresolved_, pg::params(group_, source_));
    co_return found.front().get<std::int64_t>(0);
}

void pg_consumer_store::park(storage::unit_of_work& uow, std::span<const event> events, std::int32_t attempts, std::string_view error,
                          std::string_view state) {
    std::vector<std::int64_t> positions;
    std::vector<uuid> ids;
    std::vector<std::string> types, keys, actors, traces;
    std::vector<time_point> times;
    std::vector<pg::bytes> payloads;
    for (const auto& e : events) {
        positions.push_back(e.position);
        ids.push_back(e.id);
        types.push_back(e.type);
        keys.push_back(e.key);
        times.push_back(e.time);
        actors.push_back(e.actor);
        traces.push_back(e.traceparent);
        payloads.push_back({e.payload});
    }
    pg::of(uow).send(park_, pg::params(group_, source_, attempts, error, state, positions, ids, types, keys, times, actors, traces,
                                       payloads));
}

}  // namespace bv::events
