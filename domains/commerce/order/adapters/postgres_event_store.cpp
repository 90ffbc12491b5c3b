#include "domains/commerce/order/adapters/postgres_event_store.hpp"

#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/stream_codec.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::order {
namespace {

// In the order of the locks themselves, so that no two transactions wait for each other.
constexpr pg::statement lock_orders{"orders.lock_orders", R"(
    SELECT count(pg_advisory_xact_lock(k))
    FROM (SELECT DISTINCT hashtextextended(id::text, 20260101) AS k FROM unnest($1::uuid[]) AS id ORDER BY 1) AS keys)"};

// A snapshot comes before the events that follow it: its version is the last one it holds.
constexpr pg::statement load_streams{"orders.load_streams", R"(
    SELECT s.order_id, s.version, '' AS type, s.payload, NULL::timestamptz AS at
    FROM orders.snapshots s WHERE s.order_id = ANY ($1::uuid[])
    UNION ALL
    SELECT e.order_id, e.version, e.type, e.payload, e.at
    FROM orders.events e LEFT JOIN orders.snapshots s ON s.order_id = e.order_id
    WHERE e.order_id = ANY ($1::uuid[]) AND e.version > coalesce(s.version, 0)
    ORDER BY 1, 2)"};

// Another writer's version is left as it is; fewer rows than asked for tell of it.
constexpr pg::statement append_events{"orders.append_events", R"(
    INSERT INTO orders.events (order_id, version, type, payload, customer_id, at, actor, traceparent)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::uuid[], $6::timestamptz[], $7::text[], $8::text[])
    ON CONFLICT (order_id, version) DO NOTHING)"};

constexpr pg::statement save_snapshots{"orders.save_snapshots", R"(
    INSERT INTO orders.snapshots AS s (order_id, version, customer_id, payload)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[])
    ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, payload = excluded.payload WHERE s.version < excluded.version)"};

constexpr pg::statement read_stream{"orders.read_stream", R"(
    SELECT version, type, payload, at, actor, traceparent FROM orders.events
    WHERE order_id = $1 AND version > $2 ORDER BY version LIMIT $3)"};

constexpr pg::statement scan_streams{"orders.scan_streams", R"(
    SELECT e.order_id, e.version, e.type, e.payload, e.at, e.actor, e.traceparent
    FROM (SELECT order_id FROM orders.events WHERE order_id > $1 AND version = 1 ORDER BY order_id LIMIT $2) w
    JOIN orders.events e ON e.order_id = w.order_id
    ORDER BY e.order_id, e.version)"};

constexpr pg::statement claim_references{"orders.claim_references", R"(
    INSERT INTO orders.external_references (customer_id, external_reference, order_id)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
    ON CONFLICT DO NOTHING)"};

constexpr pg::statement find_claimed_references{"orders.find_claimed_references", R"(
    SELECT r.customer_id, r.external_reference, r.order_id
    FROM unnest($1::uuid[], $2::text[]) AS w(customer_id, external_reference)
    JOIN orders.external_references r ON r.customer_id = w.customer_id AND r.external_reference = w.external_reference)"};

constexpr pg::statement find_reference{"orders.find_reference", R"(
    SELECT order_id FROM orders.external_references
    WHERE external_reference = $1 AND ($2::uuid IS NULL OR customer_id = $2) LIMIT 1000)"};

stored_event to_stored(const pg::row& r, int first) {
    return {r.get<std::int64_t>(first), decode(r.get<std::string_view>(first + 1), r.get<pg::bytes>(first + 2).data), r.get<time_point>(first + 3),
            r.get<std::string>(first + 4), r.get<std::string>(first + 5)};
}

// One array a column: what unnest takes.
struct event_columns {
    std::vector<uuid> ids, customers;
    std::vector<std::int64_t> versions;
    std::vector<std::string> types, actors, traces;
    std::vector<pg::bytes> payloads;
    std::vector<time_point> times;

    void add(const append_entry& e) {
        auto version = e.expected_version;
        for (const auto& what : e.events) {
            ids.push_back(e.id.value);
            versions.push_back(++version);
            types.emplace_back(type_name(what));
            payloads.push_back({encode(what)});
            customers.push_back(e.customer.value);
            times.push_back(e.at);
            actors.push_back(e.actor);
            traces.push_back(e.traceparent);
        }
    }
};

void send_snapshots(pg::transaction& tx, const std::vector<append_entry>& entries) {
    std::vector<uuid> ids, customers;
    std::vector<std::int64_t> versions;
    std::vector<pg::bytes> payloads;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& e = entries[i];
        // A statement stores one row a stream: the newest.
        bool superseded = false;
        for (std::size_t k = i + 1; k < entries.size(); ++k) superseded = superseded || (entries[k].id == e.id && entries[k].snapshot);
        if (!e.snapshot || superseded) continue;
        ids.push_back(e.id.value);
        versions.push_back(e.snapshot->version);
        customers.push_back(e.customer.value);
        payloads.push_back({encode_snapshot(*e.snapshot)});
    }
    if (!ids.empty()) tx.send(save_snapshots, pg::params(ids, versions, customers, payloads));
}

}  // namespace

task<void> postgres_event_store::lock(storage::unit_of_work& uow, std::vector<order_id> ids) {
    // Travels ahead of the statement that loads, which then sees what the other writers committed.
    if (!ids.empty()) pg::of(uow).send(lock_orders, pg::params(ids));
    co_return;
}

task<std::vector<order>> postgres_event_store::load(storage::unit_of_work& uow, std::vector<order_id> ids) {
    std::vector<order> out;
    if (ids.empty()) co_return out;
    const auto rows = co_await pg::of(uow).query(load_streams, pg::params(ids));
    for (const auto r : rows) {
        const auto id = r.get<order_id>(0);
        const auto type = r.get<std::string_view>(2);
        const auto payload = r.get<pg::bytes>(3).data;
        if (type.empty()) {
            out.push_back(decode_snapshot(payload));
            continue;
        }
        if (out.empty() || out.back().id != id) out.emplace_back();
        out.back() = evolve(std::move(out.back()), decode(type, payload), r.get<time_point>(4));
    }
    co_return out;
}

task<void> postgres_event_store::append(storage::unit_of_work& uow, std::vector<append_entry> entries) {
    event_columns c;
    for (const auto& e : entries) c.add(e);
    if (c.ids.empty()) co_return;
    const auto added = co_await pg::of(uow).query(append_events, pg::params(c.ids, c.versions, c.types, c.payloads, c.customers, c.times, c.actors, c.traces));
    if (added.affected() != std::ssize(c.ids)) throw order_changed();
    send_snapshots(pg::of(uow), entries);
}

task<std::vector<stored_event>> postgres_event_store::read(storage::unit_of_work& uow, order_id id, std::int64_t after, std::int64_t limit) {
    std::vector<stored_event> out;
    for (const auto r : co_await pg::of(uow).query(read_stream, pg::params(id, after, limit))) out.push_back(to_stored(r, 0));
    co_return out;
}

task<std::vector<event_stream>> postgres_event_store::scan(storage::unit_of_work& uow, order_id after, std::int64_t limit) {
    std::vector<event_stream> out;
    for (const auto r : co_await pg::of(uow).query(scan_streams, pg::params(after, limit))) {
        const auto id = r.get<order_id>(0);
        if (out.empty() || out.back().id != id) out.push_back({id, {}});
        out.back().events.push_back(to_stored(r, 1));
    }
    co_return out;
}

task<void> postgres_event_store::claim(storage::unit_of_work& uow, std::vector<external_reference> references) {
    std::vector<uuid> customers, ids;
    std::vector<std::string> texts;
    for (auto& r : references) {
        customers.push_back(r.customer.value);
        texts.push_back(std::move(r.text));
        ids.push_back(r.id.value);
    }
    if (ids.empty()) co_return;
    const auto added = co_await pg::of(uow).query(claim_references, pg::params(customers, texts, ids));
    if (added.affected() != std::ssize(ids)) throw order_changed();
}

task<std::vector<external_reference>> postgres_event_store::find_claimed(storage::unit_of_work& uow, std::vector<external_reference> wanted) {
    std::vector<uuid> customers;
    std::vector<std::string> texts;
    for (auto& w : wanted) {
        customers.push_back(w.customer.value);
        texts.push_back(std::move(w.text));
    }
    std::vector<external_reference> out;
    for (const auto r : co_await pg::of(uow).query(find_claimed_references, pg::params(customers, texts)))
        out.push_back({r.get<customer_id>(0), r.get<std::string>(1), r.get<order_id>(2)});
    co_return out;
}

task<std::vector<order_id>> postgres_event_store::find_by_reference(storage::unit_of_work& uow, std::optional<customer_id> customer, std::string text) {
    std::optional<uuid> whose;
    if (customer) whose = customer->value;
    std::vector<order_id> out;
    for (const auto r : co_await pg::of(uow).query(find_reference, pg::params(text, whose))) out.push_back(r.get<order_id>(0));
    co_return out;
}

}  // namespace bv::order
