#include "platform/events/kafka/pg_partition_store.hpp"

#include <utility>

#include "platform/events/names.hpp"

namespace bv::events::kafka {
namespace {

constexpr std::string_view insert_group_sql = R"(
    INSERT INTO {}.consumer_position (group_name, source) VALUES ($1, $2) ON CONFLICT DO NOTHING)";
constexpr std::string_view insert_partitions_sql = R"(
    INSERT INTO {}.consumer_partition (group_name, source, partition, position)
    SELECT c.group_name, c.source, p, c.position
    FROM {}.consumer_position c, generate_series(0, $3 - 1) AS p
    WHERE c.group_name = $1 AND c.source = $2
    ON CONFLICT DO NOTHING)";
constexpr std::string_view read_sql = R"(
    SELECT partition, position, next_offset FROM {}.consumer_partition WHERE group_name = $1 AND source = $2 ORDER BY partition)";
constexpr std::string_view lock_sql = R"(
    SELECT partition FROM {}.consumer_partition WHERE group_name = $1 AND source = $2 ORDER BY partition FOR UPDATE)";
// Locks, verifies and moves in one statement: who comes second waits for the first and then finds fewer rows than it wants.
constexpr std::string_view advance_sql = R"(
    UPDATE {}.consumer_partition c SET position = s.to_position, next_offset = s.to_offset, updated_at = now()
    FROM unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS s(partition, position, next_offset, to_position, to_offset)
    WHERE c.group_name = $1 AND c.source = $2 AND c.partition = s.partition
      AND c.position = s.position AND c.next_offset = s.next_offset)";

constexpr std::string_view note_records_sql = R"(
    UPDATE {}.dead_letter d SET record_partition = r.partition, record_offset = r.record_offset
    FROM unnest($3::bigint[], $4::integer[], $5::bigint[]) AS r(position, partition, record_offset)
    WHERE d.group_name = $1 AND d.source = $2 AND d.position = r.position)";

}  // namespace

pg_partition_store::pg_partition_store(std::string group, std::string source, std::string_view schema, std::int32_t partitions,
                                       std::shared_ptr<partition_feed> feed)
    : group_(std::move(group)),
      source_(std::move(source)),
      partitions_(partitions),
      feed_(std::move(feed)),
      common_(group_, source_, schema),
      insert_group_(statement_for(schema, "events.insert_group", insert_group_sql)),
      insert_partitions_(statement_for(schema, "events.insert_partitions", insert_partitions_sql)),
      read_(statement_for(schema, "events.read_partitions", read_sql)),
      lock_(statement_for(schema, "events.lock_partitions", lock_sql)),
      advance_(statement_for(schema, "events.advance_partitions", advance_sql)),
      note_records_(statement_for(schema, "events.note_records", note_records_sql)) {}

task<std::vector<partition_position>> pg_partition_store::read(storage::unit_of_work& uow) {
    auto& tx = pg::of(uow);
    auto found = co_await tx.query(read_, pg::params(group_, source_));
    if (found.size() < partitions_) {
        tx.send(insert_group_, pg::params(group_, source_));
        tx.send(insert_partitions_, pg::params(group_, source_, partitions_));
        found = co_await tx.query(read_, pg::params(group_, source_));
    }
    std::vector<partition_position> out;
    for (auto row : found) out.push_back({row.get<std::int32_t>(0), row.get<std::int64_t>(1), row.get<std::int64_t>(2)});
    co_return out;
}

task<place> pg_partition_store::load(storage::unit_of_work& uow) { co_return place{.position = feed_->load(co_await read(uow))}; }

task<void> pg_partition_store::advance(storage::unit_of_work& uow, place from, std::int64_t to) {
    const auto steps = feed_->steps(to);
    if (!steps) throw events::position_moved(group_, source_, from);
    if (steps->empty()) co_return;
    std::vector<std::int32_t> partitions;
    std::vector<std::int64_t> positions, offsets, to_positions, to_offsets;
    for (const auto& s : *steps) {
        partitions.push_back(s.partition);
        positions.push_back(s.position);
        offsets.push_back(s.next_offset);
        to_positions.push_back(s.to_position);
        to_offsets.push_back(s.to_offset);
    }
    const auto moved = co_await pg::of(uow).query(advance_, pg::params(group_, source_, partitions, positions, offsets, to_positions, to_offsets));
    if (moved.affected() != static_cast<std::int64_t>(steps->size())) throw events::position_moved(group_, source_, from);
}

task<void> pg_partition_store::lock(storage::unit_of_work& uow) { co_await pg::of(uow).query(lock_, pg::params(group_, source_)); }

void pg_partition_store::park(storage::unit_of_work& uow, std::span<const event> events, std::int32_t attempts, std::string_view error, std::string_view state) {
    common_.park(uow, events, attempts, error, state);
    std::vector<std::int64_t> positions, offsets;
    std::vector<std::int32_t> partitions;
    for (const auto& e : events) {
        const auto at = feed_ ? feed_->record_of(e.position) : std::nullopt;
        if (!at) continue;
        positions.push_back(e.position);
        partitions.push_back(at->first);
        offsets.push_back(at->second);
    }
    if (!positions.empty()) pg::of(uow).send(note_records_, pg::params(group_, source_, positions, partitions, offsets));
}

}  // namespace bv::events::kafka
