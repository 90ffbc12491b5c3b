#include "platform/events/kafka/told_letters.hpp"

#include <utility>

#include "platform/events/names.hpp"
#include "platform/events/pg_event_row.hpp"

namespace bv::events::kafka {
namespace {

constexpr std::string_view untold_sql = R"(
    SELECT position, id, type, key, time, actor, traceparent, payload, attempts, error, state, last_failed_at, record_partition, record_offset
    FROM {}.dead_letter
    WHERE group_name = $1 AND source = $2 AND told_at IS NULL AND record_partition IS NOT NULL
    ORDER BY position LIMIT $3)";
constexpr std::string_view note_sql = R"(
    UPDATE {}.dead_letter SET told_at = now() WHERE group_name = $1 AND source = $2 AND position = ANY ($3))";

}  // namespace

told_letters::told_letters(std::string group, std::string source, std::string_view schema)
    : group_(std::move(group)), source_(std::move(source)), untold_(statement_for(schema, "dead_letter.untold", untold_sql)),
      note_(statement_for(schema, "dead_letter.told", note_sql)) {}

task<std::vector<untold_letter>> told_letters::untold(storage::unit_of_work& uow, std::int32_t limit) {
    const auto found = co_await pg::of(uow).query(untold_, pg::params(group_, source_, limit));
    std::vector<untold_letter> out;
    for (auto row : found) {
        untold_letter one;
        one.letter.event = event_of(row, source_);
        one.letter.group = group_;
        one.letter.attempts = row.get<std::int32_t>(8);
        one.letter.error = row.get<std::string>(9);
        one.letter.state = parse_dead_letter_state(row.get<std::string>(10));
        one.letter.last_failed_at = row.get<time_point>(11);
        one.partition = row.get<std::int32_t>(12);
        one.offset = row.get<std::int64_t>(13);
        out.push_back(std::move(one));
    }
    co_return out;
}

task<void> told_letters::note(storage::unit_of_work& uow, std::vector<std::int64_t> positions) {
    co_await pg::of(uow).query(note_, pg::params(group_, source_, positions));
}

}  // namespace bv::events::kafka
