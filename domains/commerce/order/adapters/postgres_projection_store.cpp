#include "domains/commerce/order/adapters/postgres_projection_store.hpp"

#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/project_orders.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::order {
namespace {

constexpr pg::statement lock_projections{"orders.lock_projections", "SELECT pg_advisory_xact_lock(hashtext('orders.projections'))"};

constexpr pg::statement clear_projections{"orders.clear_projections", "TRUNCATE orders.order_summary, orders.order_detail, orders.daily_sales"};

// Rows that are newer replace what is there; the sales of their days move by what they add now less what they added before.
constexpr pg::statement project_rows{"orders.project", R"(
    WITH new AS (
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::smallint[], $5::text[], $6::bigint[], $7::bigint[], $8::smallint[],
                             $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
                             $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bytea[])
            AS n(order_id, version, customer_id, status, currency, total, refunded, cancel_reason,
                 cancel_detail, payment_id, external_reference, ordered_at, placed_at, updated_at,
                 sold_orders, sold_units, sold_revenue, sold_refunded, document)
    ), old AS (
        SELECT s.order_id, s.ordered_at, s.currency, s.sold_orders, s.sold_units, s.sold_revenue, s.sold_refunded
        FROM orders.order_summary s WHERE s.order_id = ANY ($1::uuid[])
    ), changed AS (
        INSERT INTO orders.order_summary AS s
            (order_id, version, customer_id, status, currency, total, refunded, cancel_reason, cancel_detail, payment_id,
             external_reference, ordered_at, placed_at, updated_at, sold_orders, sold_units, sold_revenue, sold_refunded)
        SELECT order_id, version, customer_id, status, currency, total, refunded, cancel_reason, cancel_detail, payment_id,
               external_reference, ordered_at, placed_at, updated_at, sold_orders, sold_units, sold_revenue, sold_refunded
        FROM new
        ON CONFLICT (order_id) DO UPDATE SET
            version = excluded.version, status = excluded.status, refunded = excluded.refunded,
            cancel_reason = excluded.cancel_reason, cancel_detail = excluded.cancel_detail, payment_id = excluded.payment_id,
            updated_at = excluded.updated_at, sold_orders = excluded.sold_orders, sold_units = excluded.sold_units,
            sold_revenue = excluded.sold_revenue, sold_refunded = excluded.sold_refunded
        WHERE s.version < excluded.version
        RETURNING s.order_id
    ), detail AS (
        INSERT INTO orders.order_detail AS d (order_id, version, customer_id, document)
        SELECT n.order_id, n.version, n.customer_id, n.document FROM new n JOIN changed USING (order_id)
        ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, document = excluded.document
    ), moved AS (
        SELECT ordered_at, currency, sold_orders, sold_units, sold_revenue, sold_refunded FROM new JOIN changed USING (order_id)
        UNION ALL
        SELECT ordered_at, currency, -sold_orders, -sold_units, -sold_revenue, -sold_refunded FROM old JOIN changed USING (order_id)
    ), by_day AS (
        SELECT (ordered_at AT TIME ZONE 'UTC')::date AS day, currency, sum(sold_orders)::bigint AS orders, sum(sold_units)::bigint AS units,
               sum(sold_revenue)::bigint AS revenue, sum(sold_refunded)::bigint AS refunded
        FROM moved GROUP BY 1, 2
        HAVING sum(sold_orders) <> 0 OR sum(sold_units) <> 0 OR sum(sold_revenue) <> 0 OR sum(sold_refunded) <> 0
    )
    INSERT INTO orders.daily_sales AS d (day, currency, orders, units, revenue, refunded)
    SELECT day, currency, orders, units, revenue, refunded FROM by_day
    ON CONFLICT (day, currency) DO UPDATE SET
        orders = d.orders + excluded.orders, units = d.units + excluded.units,
        revenue = d.revenue + excluded.revenue, refunded = d.refunded + excluded.refunded)"};

// Head and document in one snapshot of the store.
constexpr pg::statement current_order{"orders.current", R"(
    SELECT e.version, d.document
    FROM (SELECT version FROM orders.events WHERE order_id = $1 ORDER BY version DESC LIMIT 1) e
    LEFT JOIN orders.order_detail d ON d.order_id = $1 AND d.version = e.version)"};

#define BV_SUMMARY_COLUMNS                                                                                                         \
    "order_id, version, customer_id, status, currency, total, refunded, cancel_reason, cancel_detail, payment_id, "               \
    "external_reference, ordered_at, placed_at, updated_at"

constexpr pg::statement list_of_customer{"orders.list_of_customer",
                                         "SELECT " BV_SUMMARY_COLUMNS R"( FROM orders.order_summary
    WHERE customer_id = $5 AND (ordered_at, order_id) < ($1, $2) AND ($3::smallint IS NULL OR status = $3)
    ORDER BY ordered_at DESC, order_id DESC LIMIT $4)"};

constexpr pg::statement list_all{"orders.list_all",
                                 "SELECT " BV_SUMMARY_COLUMNS R"( FROM orders.order_summary
    WHERE (ordered_at, order_id) < ($1, $2) AND ($3::smallint IS NULL OR status = $3)
    ORDER BY ordered_at DESC, order_id DESC LIMIT $4)"};

constexpr pg::statement scan_rows{"orders.scan_projections", R"(
    SELECT s.order_id, s.version, s.customer_id, s.status, s.currency, s.total, s.refunded, s.cancel_reason, s.cancel_detail, s.payment_id,
           s.external_reference, s.ordered_at, s.placed_at, s.updated_at, s.sold_orders, s.sold_units, s.sold_revenue, s.sold_refunded,
           coalesce(d.document, ''::bytea)
    FROM orders.order_summary s LEFT JOIN orders.order_detail d ON d.order_id = s.order_id
    WHERE s.order_id > $1 ORDER BY s.order_id LIMIT $2)"};

#undef BV_SUMMARY_COLUMNS

// Days are numbers since 1970-01-01. Days that sold nothing after all are not shown.
constexpr pg::statement list_days{"orders.list_daily_sales", R"(
    SELECT day - DATE '1970-01-01', currency, orders, units, revenue, refunded FROM orders.daily_sales
    WHERE day >= DATE '1970-01-01' + $1::integer AND day <= DATE '1970-01-01' + $2::integer
      AND (day, currency) > (DATE '1970-01-01' + $3::integer, $4::text)
      AND (orders <> 0 OR units <> 0 OR revenue <> 0 OR refunded <> 0)
    ORDER BY day, currency LIMIT $5)"};

constexpr std::int32_t first_day = -719'162;  // 0001-01-01
constexpr std::int32_t last_day = 2'932'896;  // 9999-12-31

std::int32_t number_of(std::chrono::sys_days day) { return static_cast<std::int32_t>(day.time_since_epoch().count()); }

struct columns {
    std::vector<uuid> ids, customers;
    std::vector<std::int64_t> versions, totals, refunds, orders, units, revenues, returned;
    std::vector<std::int16_t> statuses, reasons;
    std::vector<std::string> currencies, details, payments, references;
    std::vector<time_point> ordered, placed, updated;
    std::vector<pg::bytes> documents;

    void add(projected_order& p) {
        auto& o = p.summary;
        ids.push_back(o.id.value);
        versions.push_back(o.version);
        customers.push_back(o.customer.value);
        statuses.push_back(static_cast<std::int16_t>(o.status));
        currencies.emplace_back(o.currency.code());
        totals.push_back(o.total);
        refunds.push_back(o.refunded);
        reasons.push_back(static_cast<std::int16_t>(o.reason));
        details.push_back(std::move(o.cancel_detail));
        payments.push_back(std::move(o.payment_id));
        references.push_back(std::move(o.external_reference));
        ordered.push_back(o.ordered_at);
        placed.push_back(o.placed_at);
        updated.push_back(o.updated_at);
        orders.push_back(p.what.orders);
        units.push_back(p.what.units);
        revenues.push_back(p.what.revenue);
        returned.push_back(p.what.refunded);
        documents.push_back({std::move(p.document)});
    }
    [[nodiscard]] pg::params params() const {
        return pg::params(ids, versions, customers, statuses, currencies, totals, refunds, reasons, details, payments, references, ordered, placed,
                          updated, orders, units, revenues, returned, documents);
    }
};

order to_summary(const pg::row& r) {
    order o;
    o.id = r.get<order_id>(0);
    o.version = r.get<std::int64_t>(1);
    o.customer = r.get<customer_id>(2);
    o.status = static_cast<status>(r.get<std::int16_t>(3));
    o.currency = parse_currency(r.get<std::string>(4));
    o.total = r.get<std::int64_t>(5);
    o.refunded = r.get<std::int64_t>(6);
    o.reason = static_cast<cancel_reason>(r.get<std::int16_t>(7));
    o.cancel_detail = r.get<std::string>(8);
    o.payment_id = r.get<std::string>(9);
    o.external_reference = r.get<std::string>(10);
    o.ordered_at = r.get<time_point>(11);
    o.placed_at = r.get<time_point>(12);
    o.updated_at = r.get<time_point>(13);
    return o;
}

// Behind every order there is: an id of ones at the end of what timestamptz can say here.
order_cursor behind_all() {
    order_cursor c{std::chrono::sys_days(std::chrono::year(9999) / 12 / 31), {}};
    c.id.value.bytes.fill(0xff);
    return c;
}

}  // namespace

task<void> postgres_projection_store::lock(storage::unit_of_work& uow) {
    // Sent ahead of the statement that reads the streams; that one runs once the lock is held.
    pg::of(uow).send(lock_projections);
    co_return;
}

task<void> postgres_projection_store::project(storage::unit_of_work& uow, std::vector<projected_order> rows) {
    columns c;
    for (auto& r : rows) c.add(r);
    if (!c.ids.empty()) pg::of(uow).send(project_rows, c.params());
    co_return;
}

task<void> postgres_projection_store::clear(storage::unit_of_work& uow) {
    pg::of(uow).send(clear_projections);
    co_return;
}

task<current_document> postgres_projection_store::current(storage::unit_of_work& uow, order_id id) {
    const auto rows = co_await pg::of(uow).query(current_order, pg::params(id));
    current_document out;
    if (rows.empty()) co_return out;
    out.head = rows.front().get<std::int64_t>(0);
    if (!rows.front().is_null(1)) out.document = rows.front().get<pg::bytes>(1).data;
    co_return out;
}

task<std::vector<order>> postgres_projection_store::list(storage::unit_of_work& uow, order_filter f) {
    const auto after = f.after.value_or(behind_all());
    std::optional<std::int16_t> wanted;
    if (f.status) wanted = static_cast<std::int16_t>(*f.status);
    pg::params p(after.ordered_at, after.id, wanted, f.limit);
    if (f.customer) p.add(*f.customer);
    const auto& statement = f.customer ? list_of_customer : list_all;
    std::vector<order> out;
    for (const auto r : co_await pg::of(uow).query(statement, std::move(p))) out.push_back(to_summary(r));
    co_return out;
}

task<std::vector<day_of_sales>> postgres_projection_store::list_sales(storage::unit_of_work& uow, sales_filter f) {
    const auto from = f.from ? number_of(*f.from) : first_day;
    const auto to = f.to ? number_of(*f.to) : last_day;
    const auto after = f.after ? number_of(f.after->day) : first_day - 1;
    const std::string after_currency(f.after ? f.after->currency.code() : "");
    std::vector<day_of_sales> out;
    for (const auto r : co_await pg::of(uow).query(list_days, pg::params(from, to, after, after_currency, f.limit))) {
        const std::chrono::sys_days day(std::chrono::days(r.get<std::int32_t>(0)));
        out.push_back({day, parse_currency(r.get<std::string>(1)),
                       {r.get<std::int64_t>(2), r.get<std::int64_t>(3), r.get<std::int64_t>(4), r.get<std::int64_t>(5)}});
    }
    co_return out;
}

task<std::vector<projected_order>> postgres_projection_store::scan(storage::unit_of_work& uow, order_id after, std::int64_t limit) {
    std::vector<projected_order> out;
    for (const auto r : co_await pg::of(uow).query(scan_rows, pg::params(after, limit)))
        out.push_back({to_summary(r),
                       {r.get<std::int64_t>(14), r.get<std::int64_t>(15), r.get<std::int64_t>(16), r.get<std::int64_t>(17)},
                       r.get<pg::bytes>(18).data});
    co_return out;
}

}  // namespace bv::order
