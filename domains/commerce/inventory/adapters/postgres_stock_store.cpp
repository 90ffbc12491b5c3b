#include "domains/commerce/inventory/adapters/postgres_stock_store.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace bv::inventory {

namespace {

constexpr pg::statement lock_reservations_sql{"inventory.lock_reservations", R"(
    SELECT order_id, status, skus, quantities, returned, expires_at
      FROM inventory.reservations
     WHERE order_id = ANY($1::uuid[])
     ORDER BY order_id
       FOR UPDATE)"};

constexpr pg::statement lock_due_sql{"inventory.lock_due", R"(
    SELECT order_id, status, skus, quantities, returned, expires_at
      FROM inventory.reservations
     WHERE status = 1 AND expires_at <= $1
     ORDER BY expires_at
     LIMIT $2
       FOR UPDATE SKIP LOCKED)"};

constexpr pg::statement lock_levels_sql{"inventory.lock_levels", R"(
    SELECT sku, received, reserved, sold, updated_at
      FROM inventory.stock
     WHERE sku = ANY($1::text[])
     ORDER BY sku
       FOR UPDATE)"};

constexpr pg::statement save_levels_sql{"inventory.save_levels", R"(
    UPDATE inventory.stock s
       SET reserved = s.reserved + c.reserved, sold = s.sold + c.sold, updated_at = now()
      FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS c(sku, reserved, sold)
     WHERE s.sku = c.sku)"};

// One row per order: its lines come flat and are gathered by the order's number in the batch. New ones and changed ones have a statement
// each: an upsert would run the audit triggers of both.
constexpr pg::statement add_reservations_sql{"inventory.add_reservations", R"(
    INSERT INTO inventory.reservations (order_id, status, skus, quantities, returned, expires_at)
    SELECT o.id, o.status, l.skus, l.quantities, l.returned, o.expires_at
      FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[]) WITH ORDINALITY AS o(id, status, expires_at, i)
      JOIN (SELECT i, array_agg(sku ORDER BY n) AS skus, array_agg(quantity ORDER BY n) AS quantities,
                   array_agg(returned ORDER BY n) AS returned
              FROM unnest($4::bigint[], $5::text[], $6::bigint[], $7::bigint[]) WITH ORDINALITY AS x(i, sku, quantity, returned, n)
             GROUP BY i) AS l ON l.i = o.i
     ORDER BY o.id)"};

constexpr pg::statement update_reservations_sql{"inventory.update_reservations", R"(
    UPDATE inventory.reservations r
       SET status = o.status, returned = l.returned, updated_at = now()
      FROM unnest($1::uuid[], $2::smallint[]) WITH ORDINALITY AS o(id, status, i)
      JOIN (SELECT i, array_agg(returned ORDER BY n) AS returned
              FROM unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS x(i, returned, n)
             GROUP BY i) AS l ON l.i = o.i
     WHERE r.order_id = o.id)"};

constexpr pg::statement insert_receipts_sql{"inventory.insert_receipts", R"(
    INSERT INTO inventory.receipts (reference, sku, quantity, reason)
    SELECT reference, sku, quantity, reason
      FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS n(reference, sku, quantity, reason)
     ORDER BY sku, reference
        ON CONFLICT (reference, sku) DO NOTHING
    RETURNING reference, sku, quantity, reason)"};

// In two steps, because the table's checks also judge the row that an upsert proposes, and a negative adjustment
// alone is no legal row.
constexpr pg::statement add_skus_sql{"inventory.add_skus", R"(
    INSERT INTO inventory.stock (sku)
    SELECT DISTINCT sku FROM unnest($1::text[]) AS n(sku) ORDER BY sku
        ON CONFLICT (sku) DO NOTHING)"};

constexpr pg::statement add_received_sql{"inventory.add_received", R"(
    UPDATE inventory.stock s
       SET received = s.received + n.quantity, updated_at = now()
      FROM (SELECT sku, sum(quantity)::bigint AS quantity
              FROM unnest($1::text[], $2::bigint[]) AS x(sku, quantity)
             GROUP BY sku) AS n
     WHERE s.sku = n.sku)"};

constexpr pg::statement find_level_sql{"inventory.find_level", R"(
    SELECT sku, received, reserved, sold, updated_at FROM inventory.stock WHERE sku = $1)"};

constexpr pg::statement list_levels_sql{"inventory.list_levels", R"(
    SELECT sku, received, reserved, sold, updated_at
      FROM inventory.stock
     WHERE sku > $1 AND ($2::bigint IS NULL OR available <= $2)
     ORDER BY sku
     LIMIT $3)"};

constexpr pg::statement find_reservation_sql{"inventory.find_reservation", R"(
    SELECT order_id, status, skus, quantities, returned, expires_at
      FROM inventory.reservations
     WHERE order_id = $1)"};

reservation reservation_of(pg::row row) {
    reservation r{row.get<order_id>(0), static_cast<reservation_status>(row.get<std::int16_t>(1)), {}, row.get<time_point>(5)};
    auto skus = row.get<std::vector<std::string>>(2);
    const auto quantities = row.get<std::vector<std::int64_t>>(3);
    const auto returned = row.get<std::vector<std::int64_t>>(4);
    for (std::size_t i = 0; i < skus.size(); ++i) r.lines.push_back({std::move(skus[i]), quantities[i], returned[i]});
    return r;
}

sku_level level_of(pg::row row) {
    return {row.get<std::string>(0),
            {row.get<std::int64_t>(1), row.get<std::int64_t>(2), row.get<std::int64_t>(3)},
            row.get<time_point>(4)};
}

struct reservation_columns {
    std::vector<order_id> ids;
    std::vector<std::int16_t> status;
    std::vector<time_point> expires_at;
    std::vector<std::int64_t> owner, quantities, returned;
    std::vector<std::string> skus;

    void add(reservation& r) {
        ids.push_back(r.order);
        status.push_back(static_cast<std::int16_t>(r.status));
        expires_at.push_back(r.expires_at);
        for (auto& l : r.lines) {
            owner.push_back(static_cast<std::int64_t>(ids.size()));
            skus.push_back(std::move(l.sku));
            quantities.push_back(l.quantity);
            returned.push_back(l.returned);
        }
    }
};

template <class T, class F>
std::vector<T> all(const pg::rows& rows, F read) {
    std::vector<T> out;
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto row : rows) out.push_back(read(row));
    return out;
}

}  // namespace

task<std::vector<reservation>> postgres_stock_store::lock_reservations(storage::unit_of_work& uow, std::vector<order_id> ids) {
    const auto rows = co_await pg::of(uow).query(lock_reservations_sql, pg::params(ids));
    co_return all<reservation>(rows, reservation_of);
}

task<std::vector<reservation>> postgres_stock_store::lock_due(storage::unit_of_work& uow, time_point now, int limit) {
    const auto rows = co_await pg::of(uow).query(lock_due_sql, pg::params(now, static_cast<std::int64_t>(limit)));
    co_return all<reservation>(rows, reservation_of);
}

task<std::vector<sku_level>> postgres_stock_store::lock_levels(storage::unit_of_work& uow, std::vector<std::string> skus) {
    if (skus.empty()) co_return std::vector<sku_level>{};
    const auto rows = co_await pg::of(uow).query(lock_levels_sql, pg::params(skus));
    co_return all<sku_level>(rows, level_of);
}

task<void> postgres_stock_store::save(storage::unit_of_work& uow, std::vector<stock_book::level_change> levels,
                                      std::vector<reservation> reservations) {
    auto& tx = pg::of(uow);
    if (!levels.empty()) {
        std::vector<std::string> skus;
        std::vector<std::int64_t> reserved, sold;
        for (auto& c : levels) {
            skus.push_back(std::move(c.sku));
            reserved.push_back(c.reserved);
            sold.push_back(c.sold);
        }
        tx.send(save_levels_sql, pg::params(skus, reserved, sold));
    }
    reservation_columns added, changed;
    for (auto& r : reservations) (r.fresh ? added : changed).add(r);
    if (!added.ids.empty())
        tx.send(add_reservations_sql, pg::params(added.ids, added.status, added.expires_at, added.owner, added.skus, added.quantities, added.returned));
    if (!changed.ids.empty()) tx.send(update_reservations_sql, pg::params(changed.ids, changed.status, changed.owner, changed.returned));
    co_return;
}

task<std::vector<receipt>> postgres_stock_store::receive(storage::unit_of_work& uow, std::vector<receipt> receipts) {
    auto& tx = pg::of(uow);
    std::vector<std::string> references, skus, reasons;
    std::vector<std::int64_t> quantities;
    for (auto& r : receipts) {
        references.push_back(std::move(r.reference));
        skus.push_back(std::move(r.sku));
        quantities.push_back(r.quantity);
        reasons.push_back(std::move(r.reason));
    }
    const auto rows = co_await tx.query(insert_receipts_sql, pg::params(references, skus, quantities, reasons));
    auto booked = all<receipt>(rows, [](pg::row row) {
        return receipt{row.get<std::string>(0), row.get<std::string>(1), row.get<std::int64_t>(2), row.get<std::string>(3)};
    });
    if (booked.empty()) co_return booked;
    skus.clear();
    quantities.clear();
    for (const auto& r : booked) {
        skus.push_back(r.sku);
        quantities.push_back(r.quantity);
    }
    tx.send(add_skus_sql, pg::params(skus));
    try {
        co_await tx.query(add_received_sql, pg::params(skus, quantities));
    } catch (const pg::sql_error& e) {
        if (!e.is_check_violation()) throw;
        throw failure(code::failed_precondition, "STOCK_SHORT",
                      fmt::format("{}: the adjustment takes more than is available; reserved and sold stock cannot be adjusted away", skus.front()));
    }
    co_return booked;
}

task<std::optional<sku_level>> postgres_stock_store::find_level(std::string sku) {
    const auto rows = co_await db_.query(find_level_sql, pg::params(sku));
    if (rows.empty()) co_return std::nullopt;
    co_return level_of(rows.front());
}

task<std::vector<sku_level>> postgres_stock_store::list_levels(std::string after, std::optional<std::int64_t> available_at_most, int limit) {
    const auto rows = co_await db_.query(list_levels_sql, pg::params(after, available_at_most, static_cast<std::int64_t>(limit)));
    co_return all<sku_level>(rows, level_of);
}

task<std::optional<reservation>> postgres_stock_store::find_reservation(order_id id) {
    const auto rows = co_await db_.query(find_reservation_sql, pg::params(id));
    if (rows.empty()) co_return std::nullopt;
    co_return reservation_of(rows.front());
}

}  // namespace bv::inventory
