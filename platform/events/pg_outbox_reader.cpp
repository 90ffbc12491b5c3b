#include "platform/events/pg_outbox_reader.hpp"

#include <utility>

#include "platform/events/names.hpp"
#include "platform/events/pg_event_row.hpp"

namespace bv::events {
namespace {

constexpr pg::statement probe_heads{"events.probe_heads", R"(
    SELECT heads, snapshot_xmin, next_xid, epoch FROM platform.outbox_heads($1))"};

constexpr pg::statement open_transactions{"events.open_transaction", R"(
    SELECT coalesce(pid, 0), coalesce(prepared, ''), coalesce(role, ''), coalesce(application, ''), coalesce(database, ''),
           coalesce(state, ''), coalesce((open_seconds * 1000)::bigint, 0)
    FROM platform.open_transaction($1))"};

constexpr pg::statement insert_group{"events.register_group", R"(
    INSERT INTO platform.event_groups (group_name, source, consumer) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING)"};

constexpr pg::statement prune_rows{"events.prune", R"(
    SELECT platform.prune_outbox($1, $2, $3))"};

constexpr std::string_view fetch_sql = R"(
    SELECT position, id, type, key, time, actor, traceparent, payload
    FROM {}.outbox WHERE position > $1 AND position <= $2
    ORDER BY position LIMIT $3)";

constexpr std::string_view last_row_sql = R"(
    SELECT coalesce(max(position), 0) FROM {}.outbox WHERE position <= $1)";

}  // namespace

task<heads_probe> pg_outbox_reader::probe(std::vector<std::string> sources) {
    const auto found = co_await database_.query(probe_heads, pg::params(sources));
    const auto row = found.front();
    co_return heads_probe{row.get<std::vector<std::int64_t>>(0), row.get<std::int64_t>(1), row.get<std::int64_t>(2),
                          row.get<std::string>(3)};
}

task<std::vector<open_transaction>> pg_outbox_reader::who_runs(std::int64_t xid) {
    const auto found = co_await database_.query(open_transactions, pg::params(xid));
    std::vector<open_transaction> out;
    for (auto row : found)
        out.push_back({.pid = row.get<std::int32_t>(0),
                       .prepared = row.get<std::string>(1),
                       .role = row.get<std::string>(2),
                       .application = row.get<std::string>(3),
                       .database = row.get<std::string>(4),
                       .state = row.get<std::string>(5),
                       .open = milliseconds(row.get<std::int64_t>(6))});
    co_return out;
}

task<std::vector<event_ptr>> pg_outbox_reader::fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit) {
    const auto found = co_await database_.query(statement_for(source, "outbox.fetch", fetch_sql), pg::params(after, upto, limit));
    std::vector<event_ptr> out;
    out.reserve(static_cast<std::size_t>(found.size()));
    for (const auto row : found) out.push_back(std::make_shared<event>(event_of(row, source)));
    co_return out;
}

task<std::int64_t> pg_outbox_reader::last_row(std::string source, std::int64_t upto) {
    const auto found = co_await database_.query(statement_for(source, "outbox.last_row", last_row_sql), pg::params(upto));
    co_return found.front().get<std::int64_t>(0);
}

task<void> pg_outbox_reader::register_group(std::string group, std::string source, std::string consumer) {
    co_await database_.query(insert_group, pg::params(group, source, consumer));
}

task<std::int64_t> pg_outbox_reader::prune(std::string source, time_point cutoff, std::int32_t limit) {
    const auto found = co_await database_.query(prune_rows, pg::params(source, cutoff, limit));
    co_return found.front().get<std::int64_t>(0);
}

}  // namespace bv::events
