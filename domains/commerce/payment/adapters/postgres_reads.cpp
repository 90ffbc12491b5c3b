// The reading half of postgres_store: what the API and reconciliation show.
#include "domains/commerce/payment/adapters/postgres_rows.hpp"
#include "domains/commerce/payment/adapters/postgres_store.hpp"

namespace bv::payment {
namespace {

#define BV_BOOKED "SELECT key, payment_id, kind, refund_id, amount_minor, currency, state, provider_sequence, succeeded, updated_at, traceparent FROM payment.operations "

constexpr pg::statement booked_sql{"payment.booked", BV_BOOKED "WHERE key = ANY($1::text[])"};
constexpr pg::statement booked_between_sql{"payment.booked_between", BV_BOOKED R"(
     WHERE provider_sequence > $1 AND provider_sequence <= $2 AND state = 'done'
     ORDER BY provider_sequence
     LIMIT $3)"};

constexpr pg::statement findings_sql{"payment.findings", R"(
    SELECT kind, key, detail, mended FROM payment.reconciliation_findings ORDER BY id DESC LIMIT $1)"};

constexpr pg::statement find_sql{"payment.find", "SELECT " BV_PAYMENT_COLUMNS " FROM payment.payments p WHERE p.id = $1"};

constexpr pg::statement list_sql{"payment.list", "SELECT " BV_PAYMENT_COLUMNS R"(
      FROM payment.payments p
     WHERE (p.created_at, p.id) < ($2, $3::uuid) AND ($1::text IS NULL OR p.status = $1)
     ORDER BY p.created_at DESC, p.id DESC
     LIMIT $4)"};

constexpr pg::statement list_of_customer_sql{"payment.list_of_customer", "SELECT " BV_PAYMENT_COLUMNS R"(
      FROM payment.payments p
     WHERE p.customer_id = $5 AND (p.created_at, p.id) < ($2, $3::uuid) AND ($1::text IS NULL OR p.status = $1)
     ORDER BY p.created_at DESC, p.id DESC
     LIMIT $4)"};

// After every row: where a list begins.
constexpr time_point end_of_time{std::chrono::sys_days(std::chrono::year(9999) / 12 / 31)};

constexpr pg::statement entries_sql{"payment.entries", R"(
    SELECT id, transaction_id, payment_id, account, currency, amount_minor, description, created_at
      FROM payment.ledger_entries
     WHERE id > $3 AND ($1::uuid IS NULL OR payment_id = $1) AND ($2::text = '' OR account = $2)
     ORDER BY id
     LIMIT $4)"};

constexpr pg::statement balances_sql{"payment.balances", R"(
    SELECT account, currency, sum(amount_minor)::bigint
      FROM payment.ledger_entries
     GROUP BY account, currency
     ORDER BY account, currency)"};

booked_operation to_booked(pg::row r) {
    booked_operation b;
    b.op = {.payment = r.get<payment_id>(1), .kind = parse_operation_kind(r.get<std::string_view>(2)).value(), .key = r.get<std::string>(0),
            .amount = r.get<std::int64_t>(4), .refund_id = r.get<std::string>(3)};
    b.currency = to_currency(r.get<std::string_view>(5));
    b.state = parse_operation_state(r.get<std::string_view>(6)).value();
    b.provider_sequence = r.get<std::optional<std::int64_t>>(7).value_or(0);
    b.succeeded = r.get<std::optional<bool>>(8).value_or(false);
    b.updated = r.get<time_point>(9);
    b.traceparent = r.get<std::string>(10);
    return b;
}

std::vector<booked_operation> to_booked(const pg::rows& found) {
    std::vector<booked_operation> out;
    out.reserve(static_cast<std::size_t>(found.size()));
    for (const auto r : found) out.push_back(to_booked(r));
    return out;
}

task<std::vector<stored_payment>> to_payments(pg::transaction& tx, pg::rows found) {
    std::vector<stored_payment> out;
    out.reserve(static_cast<std::size_t>(found.size()));
    std::vector<payment*> with_refunds;
    for (const auto r : found) {
        bool has_refunds = false;
        out.push_back(to_stored_payment(r, has_refunds));
        if (has_refunds) with_refunds.push_back(&out.back().value);
    }
    co_await add_refunds(tx, std::move(with_refunds));
    co_return out;
}

}  // namespace

task<std::vector<booked_operation>> postgres_store::booked(storage::unit_of_work& uow, std::vector<std::string> keys) {
    co_return to_booked(co_await pg::of(uow).query(booked_sql, pg::params(keys)));
}

task<std::vector<booked_operation>> postgres_store::booked_between(storage::unit_of_work& uow, std::int64_t after, std::int64_t until, int limit) {
    co_return to_booked(co_await pg::of(uow).query(booked_between_sql, pg::params(after, until, std::int64_t{limit})));
}

task<std::vector<finding>> postgres_store::findings(storage::unit_of_work& uow, int limit) {
    const auto found = co_await pg::of(uow).query(findings_sql, pg::params(std::int64_t{limit}));
    std::vector<finding> out;
    for (const auto r : found) out.push_back({r.get<std::string>(0), r.get<std::string>(1), r.get<std::string>(2), r.get<bool>(3)});
    co_return out;
}

task<std::optional<stored_payment>> postgres_store::find(storage::unit_of_work& uow, payment_id id) {
    auto& tx = pg::of(uow);
    auto found = co_await to_payments(tx, co_await tx.query(find_sql, pg::params(id)));
    if (found.empty()) co_return std::nullopt;
    co_return std::move(found.front());
}

task<std::vector<stored_payment>> postgres_store::list(storage::unit_of_work& uow, payment_filter f, std::optional<page_position> after, int limit) {
    auto& tx = pg::of(uow);
    std::optional<std::string> status;
    if (f.status) status = std::string(name(*f.status));
    const auto from = after.value_or(page_position{end_of_time, {}});
    const std::int64_t most = limit;
    if (f.customer) co_return co_await to_payments(tx, co_await tx.query(list_of_customer_sql, pg::params(status, from.time, from.id, most, *f.customer)));
    co_return co_await to_payments(tx, co_await tx.query(list_sql, pg::params(status, from.time, from.id, most)));
}

task<std::vector<ledger_entry>> postgres_store::entries(storage::unit_of_work& uow, entry_filter f, std::int64_t after, int limit) {
    const auto found = co_await pg::of(uow).query(entries_sql, pg::params(f.payment, f.account, after, std::int64_t{limit}));
    std::vector<ledger_entry> out;
    out.reserve(static_cast<std::size_t>(found.size()));
    for (const auto r : found) {
        out.push_back({.id = r.get<std::int64_t>(0),
                       .transaction = r.get<uuid>(1),
                       .payment = r.get<payment_id>(2),
                       .account = r.get<std::string>(3),
                       .amount = {r.get<std::int64_t>(5), to_currency(r.get<std::string_view>(4))},
                       .description = r.get<std::string>(6),
                       .created = r.get<time_point>(7)});
    }
    co_return out;
}

task<std::vector<account_balance>> postgres_store::balances(storage::unit_of_work& uow) {
    const auto found = co_await pg::of(uow).query(balances_sql);
    std::vector<account_balance> out;
    for (const auto r : found)
        out.push_back({r.get<std::string>(0), {r.get<std::int64_t>(2), to_currency(r.get<std::string_view>(1))}});
    co_return out;
}

}  // namespace bv::payment
