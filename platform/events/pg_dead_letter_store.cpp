#include "platform/events/pg_dead_letter_store.hpp"

#include <utility>

#include "platform/core/error.hpp"
#include "platform/events/names.hpp"
#include "platform/events/pg_event_row.hpp"

namespace bv::events {
namespace {

constexpr std::string_view list_sql = R"(
    SELECT position, id, type, key, time, actor, traceparent, ''::bytea, length(payload)::bigint, attempts, error, state,
           first_failed_at, last_failed_at, resolved_at
    FROM {}.dead_letter
    WHERE group_name = $1 AND source = $2 AND (NOT $3 OR state IN ('failed', 'blocked'))
    ORDER BY position DESC LIMIT $4)";
constexpr std::string_view find_sql = R"(
    SELECT position, id, type, key, time, actor, traceparent, payload, length(payload)::bigint, attempts, error, state,
           first_failed_at, last_failed_at, resolved_at
    FROM {}.dead_letter WHERE group_name = $1 AND source = $2 AND id = $3)";
constexpr std::string_view unresolved_sql = R"(
    SELECT d.position, d.key, d.traceparent FROM {}.dead_letter d
    WHERE d.group_name = $1 AND d.source = $2 AND d.state IN ('failed', 'blocked')
      AND ($3::text IS NULL OR d.key = $3)
      AND ($4::uuid IS NULL OR EXISTS (
            SELECT FROM {}.dead_letter t
            WHERE t.group_name = $1 AND t.source = $2 AND t.id = $4
              AND (t.position = d.position OR (t.key = d.key AND t.key <> '' AND d.position < t.position))))
      AND d.position > $5
    ORDER BY d.position LIMIT $6)";
constexpr std::string_view take_sql = R"(
    SELECT position, id, type, key, time, actor, traceparent, payload FROM {}.dead_letter
    WHERE group_name = $1 AND source = $2 AND position = $3 AND state IN ('failed', 'blocked')
    FOR UPDATE)";
constexpr std::string_view mark_sql = R"(
    UPDATE {}.dead_letter SET state = $4, resolved_at = now()
    WHERE group_name = $1 AND source = $2 AND position = $3)";
constexpr std::string_view failed_again_sql = R"(
    UPDATE {}.dead_letter SET state = 'failed', attempts = attempts + 1, error = $4, last_failed_at = now()
    WHERE group_name = $1 AND source = $2 AND position = $3 AND state IN ('failed', 'blocked'))";
constexpr std::string_view discard_sql = R"(
    UPDATE {}.dead_letter SET state = 'discarded', resolved_at = now()
    WHERE group_name = $1 AND source = $2 AND state IN ('failed', 'blocked')
      AND ($3::text IS NULL OR key = $3) AND ($4::uuid IS NULL OR id = $4))";

dead_letter letter_of(const pg::row& row, const std::string& group, const std::string& source) {
    dead_letter out;
    out.group = group;
    out.event = event_of(row, source);
    out.payload_bytes = row.get<std::int64_t>(8);
    out.attempts = row.get<std::int32_t>(9);
    out.error = row.get<std::string>(10);
    out.state = parse_dead_letter_state(row.get<std::string>(11));
    out.first_failed_at = row.get<time_point>(12);
    out.last_failed_at = row.get<time_point>(13);
    out.resolved_at = row.get<std::optional<time_point>>(14);
    return out;
}

}  // namespace

pg_dead_letter_store::pg_dead_letter_store(std::string group, std::string source, std::string_view schema)
    : group_(std::move(group)),
      source_(std::move(source)),
      list_(statement_for(schema, "dead_letter.list", list_sql)),
      find_(statement_for(schema, "dead_letter.find", find_sql)),
      unresolved_(statement_for(schema, "dead_letter.unresolved", unresolved_sql)),
      take_(statement_for(schema, "dead_letter.take", take_sql)),
      mark_(statement_for(schema, "dead_letter.mark", mark_sql)),
      failed_again_(statement_for(schema, "dead_letter.failed_again", failed_again_sql)),
      discard_(statement_for(schema, "dead_letter.discard", discard_sql)) {}

task<std::vector<dead_letter>> pg_dead_letter_store::list(storage::unit_of_work& uow, bool unresolved_only, std::int32_t limit) {
    const auto found = co_await pg::of(uow).query(list_, pg::params(group_, source_, unresolved_only, limit));
    std::vector<dead_letter> out;
    for (auto row : found) out.push_back(letter_of(row, group_, source_));
    co_return out;
}

task<std::optional<dead_letter>> pg_dead_letter_store::find(storage::unit_of_work& uow, uuid id) {
    const auto found = co_await pg::of(uow).query(find_, pg::params(group_, source_, id));
    if (found.empty()) co_return std::nullopt;
    co_return letter_of(found.front(), group_, source_);
}

task<std::vector<pg_dead_letter_store::item>> pg_dead_letter_store::unresolved(storage::unit_of_work& uow, dead_letter_target target,
                                                                         std::int64_t after, std::int32_t limit) {
    const auto found =
        co_await pg::of(uow).query(unresolved_, pg::params(group_, source_, target.key, target.id, after, limit));
    std::vector<item> out;
    for (auto row : found) out.push_back({row.get<std::int64_t>(0), row.get<std::string>(1), row.get<std::string>(2)});
    co_return out;
}

task<std::optional<event>> pg_dead_letter_store::take_unresolved(storage::unit_of_work& uow, std::int64_t position) {
    const auto found = co_await pg::of(uow).query(take_, pg::params(group_, source_, position));
    if (found.empty()) co_return std::nullopt;
    co_return event_of(found.front(), source_);
}

void pg_dead_letter_store::mark(storage::unit_of_work& uow, std::int64_t position, std::string_view state) {
    pg::of(uow).send(mark_, pg::params(group_, source_, position, state));
}

void pg_dead_letter_store::failed_again(storage::unit_of_work& uow, std::int64_t position, std::string_view error) {
    pg::of(uow).send(failed_again_, pg::params(group_, source_, position, error));
}

task<std::int64_t> pg_dead_letter_store::discard(storage::unit_of_work& uow, dead_letter_target target) {
    const auto done = co_await pg::of(uow).query(discard_, pg::params(group_, source_, target.key, target.id));
    co_return done.affected();
}

}  // namespace bv::events
