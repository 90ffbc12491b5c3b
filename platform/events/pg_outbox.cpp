#include "platform/events/pg_outbox.hpp"

#include <utility>

#include "platform/events/names.hpp"

namespace bv::events {
namespace {

// tx and position are left to their defaults, which are evaluated in that order, row by row in the order of n.
constexpr std::string_view append_sql = R"(
    INSERT INTO {}.outbox (id, type, key, actor, traceparent, payload)
    SELECT e.id, e.type, e.key,
           coalesce(current_setting('bv.actor', true), ''),
           coalesce(nullif(e.traceparent, ''), current_setting('bv.traceparent', true), ''),
           e.payload
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[])
         WITH ORDINALITY AS e(id, type, key, traceparent, payload, n)
    ORDER BY e.n)";

}  // namespace

pg_outbox::pg_outbox(std::string_view schema, std::function<void()> wake)
    : append_(statement_for(schema, "outbox.append", append_sql)), wake_(std::move(wake)) {}

task<void> pg_outbox::append(storage::unit_of_work& uow, std::vector<outgoing> events) {
    if (events.empty()) co_return;
    std::vector<uuid> ids;
    std::vector<std::string> types, keys, traces;
    std::vector<pg::bytes> payloads;
    for (auto& e : events) {
        ids.push_back(e.id);
        types.push_back(std::move(e.type));
        keys.push_back(std::move(e.key));
        traces.push_back(std::move(e.traceparent));
        payloads.push_back({std::move(e.payload)});
    }
    pg::of(uow).send(append_, pg::params(ids, types, keys, traces, payloads));
    if (wake_) wake_();
    co_return;
}

}  // namespace bv::events
