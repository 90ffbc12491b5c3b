// The writing half: what the consumer, the worker and reconciliation need. The reading half: postgres_reads.cpp.
#include "domains/commerce/payment/adapters/postgres_store.hpp"

#include "domains/commerce/payment/adapters/postgres_rows.hpp"

namespace bv::payment {
namespace {

constexpr pg::statement lock_sql{"payment.lock", "SELECT " BV_PAYMENT_COLUMNS R"(
      FROM payment.payments p
     WHERE p.id = ANY($1::uuid[])
     ORDER BY p.id
       FOR UPDATE)"};

// Two statements rather than an upsert, which would run the audit triggers of both.
constexpr pg::statement open_payments_sql{"payment.open_payments", R"(
    INSERT INTO payment.payments (id, order_id, customer_id, status, currency, amount_minor, captured_minor, refunded_minor,
                                  wanted_capture_minor, void_wanted, method, decline_reason, provider_reference, has_refunds,
                                  created_at, updated_at)
    SELECT n.*, $15::timestamptz, $15::timestamptz
      FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                  $10::boolean[], $11::text[], $12::text[], $13::text[], $14::boolean[]) AS n)"};

constexpr pg::statement update_payments_sql{"payment.update_payments", R"(
    UPDATE payment.payments p
       SET status = n.status, captured_minor = n.captured, refunded_minor = n.refunded, wanted_capture_minor = n.wanted,
           void_wanted = n.void_wanted, decline_reason = n.reason, provider_reference = n.reference, has_refunds = n.with_refunds,
           updated_at = $10::timestamptz
      FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::text[], $8::text[], $9::boolean[])
           AS n(id, status, captured, refunded, wanted, void_wanted, reason, reference, with_refunds)
     WHERE p.id = n.id)"};

constexpr pg::statement save_refunds_sql{"payment.save_refunds", R"(
    INSERT INTO payment.refunds AS r (payment_id, id, amount_minor, state, created_at, updated_at)
    SELECT n.payment_id, n.id, n.amount, n.state, $5::timestamptz, $5::timestamptz
      FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS n(payment_id, id, amount, state)
        ON CONFLICT (payment_id, id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at)"};

constexpr pg::statement insert_operations_sql{"payment.insert_operations", R"(
    INSERT INTO payment.operations (key, payment_id, kind, refund_id, amount_minor, currency, state, attempts, next_at, traceparent,
                                    created_at, updated_at)
    SELECT n.key, n.payment_id, n.kind, n.refund_id, n.amount, p.currency, CASE WHEN n.leased THEN 'in_flight' ELSE 'pending' END,
           n.leased::integer, n.due, n.traceparent, $9::timestamptz, $9::timestamptz
      FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[], $8::boolean[])
           AS n(key, payment_id, kind, refund_id, amount, due, traceparent, leased)
      JOIN payment.payments p ON p.id = n.payment_id)"};

constexpr pg::statement insert_entries_sql{"payment.insert_entries", R"(
    INSERT INTO payment.ledger_entries (transaction_id, payment_id, account, currency, amount_minor, description, created_at)
    SELECT n.*, $7::timestamptz
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[]) AS n)"};

// One that is done stays done, whatever comes late.
constexpr pg::statement update_operations_sql{"payment.update_operations", R"(
    UPDATE payment.operations o
       SET state = n.state, next_at = n.due, provider_sequence = nullif(n.sequence, 0),
           succeeded = CASE WHEN n.state = 'done' THEN n.succeeded END, updated_at = $6::timestamptz
      FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::boolean[]) AS n(key, state, due, sequence, succeeded)
     WHERE o.key = n.key AND o.state <> 'done')"};

constexpr pg::statement insert_findings_sql{"payment.insert_findings", R"(
    INSERT INTO payment.reconciliation_findings (kind, key, detail, mended, found_at)
    SELECT n.*, $5::timestamptz
      FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) AS n
        ON CONFLICT (kind, key) DO NOTHING)"};

constexpr pg::statement claim_sql{"payment.claim", R"(
    WITH due AS MATERIALIZED (
        SELECT key, state
          FROM payment.operations
         WHERE state <> 'done' AND (next_at <= $1 OR next_at > $4)
         ORDER BY next_at
         LIMIT $3
           FOR UPDATE SKIP LOCKED)
    UPDATE payment.operations o
       SET state = 'in_flight', attempts = attempts + 1, next_at = $2, updated_at = $1
      FROM due, payment.payments p
     WHERE o.key = due.key AND p.id = o.payment_id
    RETURNING o.key, o.payment_id, o.kind, o.refund_id, o.amount_minor, o.currency, due.state, o.attempts, p.order_id, p.method,
              p.provider_reference, o.traceparent)"};

constexpr pg::statement hurry_sql{"payment.hurry", R"(
    UPDATE payment.operations SET next_at = $2 WHERE key = ANY($1::text[]) AND state = 'unknown' AND next_at > $2)"};

constexpr pg::statement next_due_sql{"payment.next_due", R"(
    SELECT min(next_at) FROM payment.operations WHERE state <> 'done')"};

constexpr pg::statement reconciled_until_sql{"payment.reconciled_until", "SELECT sequence FROM payment.reconciliation_cursor"};
constexpr pg::statement set_reconciled_sql{"payment.set_reconciled", R"(
    UPDATE payment.reconciliation_cursor SET sequence = greatest(sequence, $1))"};

struct payment_columns {
    std::vector<payment_id> ids;
    std::vector<order_id> orders;
    std::vector<std::optional<customer_id>> customers;
    std::vector<std::string> statuses, currencies, methods, reasons, references;
    std::vector<std::int64_t> amounts, captured, refunded, wanted;
    std::vector<bool> voids, with_refunds;

    explicit payment_columns(const std::vector<payment>& all) {
        for (const auto& p : all) {
            ids.push_back(p.id);
            orders.push_back(p.order);
            customers.push_back(p.customer);
            statuses.emplace_back(name(p.status));
            currencies.emplace_back(p.amount.currency.code());
            amounts.push_back(p.amount.minor);
            captured.push_back(p.captured);
            refunded.push_back(p.refunded);
            wanted.push_back(p.wanted_capture);
            voids.push_back(p.void_wanted);
            methods.push_back(p.method);
            reasons.push_back(p.decline_reason);
            references.push_back(p.provider_reference);
            with_refunds.push_back(!p.refunds.empty());
        }
    }
};

void send_opened(pg::transaction& tx, const std::vector<payment>& all, time_point now) {
    if (all.empty()) return;
    const payment_columns c(all);
    tx.send(open_payments_sql, pg::params(c.ids, c.orders, c.customers, c.statuses, c.currencies, c.amounts, c.captured, c.refunded, c.wanted,
                                          c.voids, c.methods, c.reasons, c.references, c.with_refunds, now));
}

void send_payments(pg::transaction& tx, const std::vector<payment>& all, time_point now) {
    if (all.empty()) return;
    const payment_columns c(all);
    tx.send(update_payments_sql, pg::params(c.ids, c.statuses, c.captured, c.refunded, c.wanted, c.voids, c.reasons, c.references, c.with_refunds, now));
}

void send_refunds(pg::transaction& tx, const std::vector<std::pair<payment_id, refund>>& all, time_point now) {
    if (all.empty()) return;
    std::vector<payment_id> payments;
    std::vector<std::string> ids, states;
    std::vector<std::int64_t> amounts;
    for (const auto& [payment, r] : all) {
        payments.push_back(payment);
        ids.push_back(r.id);
        amounts.push_back(r.amount);
        states.emplace_back(name(r.state));
    }
    tx.send(save_refunds_sql, pg::params(payments, ids, amounts, states, now));
}

void send_operations(pg::transaction& tx, const std::vector<new_operation>& all, time_point now) {
    if (all.empty()) return;
    std::vector<std::string> keys, kinds, refunds, traces;
    std::vector<payment_id> payments;
    std::vector<std::int64_t> amounts;
    std::vector<time_point> due;
    std::vector<bool> leased;
    for (const auto& o : all) {
        leased.push_back(o.leased);
        keys.push_back(o.op.key);
        payments.push_back(o.op.payment);
        kinds.emplace_back(name(o.op.kind));
        refunds.push_back(o.op.refund_id);
        amounts.push_back(o.op.amount);
        due.push_back(o.due);
        traces.push_back(o.traceparent);
    }
    tx.send(insert_operations_sql, pg::params(keys, payments, kinds, refunds, amounts, due, traces, leased, now));
}

void send_bookings(pg::transaction& tx, const std::vector<ledger_transaction>& all, time_point now) {
    if (all.empty()) return;
    std::vector<uuid> transactions, payments;
    std::vector<std::string> accounts, currencies, descriptions;
    std::vector<std::int64_t> amounts;
    for (const auto& t : all) {
        for (const auto& e : t.postings) {
            transactions.push_back(t.id);
            payments.push_back(t.payment);
            accounts.push_back(e.account);
            currencies.emplace_back(t.currency.code());
            amounts.push_back(e.amount);
            descriptions.push_back(t.description);
        }
    }
    tx.send(insert_entries_sql, pg::params(transactions, payments, accounts, currencies, amounts, descriptions, now));
}

void send_updates(pg::transaction& tx, const std::vector<operation_update>& all, time_point now) {
    if (all.empty()) return;
    std::vector<std::string> keys, states;
    std::vector<time_point> due;
    std::vector<std::int64_t> sequences;
    std::vector<bool> succeeded;
    for (const auto& u : all) {
        keys.push_back(u.key);
        states.emplace_back(name(u.state));
        due.push_back(u.state == operation_state::done ? now : u.due);
        sequences.push_back(u.provider_sequence);
        succeeded.push_back(u.succeeded);
    }
    tx.send(update_operations_sql, pg::params(keys, states, due, sequences, succeeded, now));
}

void send_findings(pg::transaction& tx, const std::vector<finding>& all, time_point now) {
    if (all.empty()) return;
    std::vector<std::string> kinds, keys, details;
    std::vector<bool> mended;
    for (const auto& f : all) {
        kinds.push_back(f.kind);
        keys.push_back(f.key);
        details.push_back(f.detail);
        mended.push_back(f.mended);
    }
    tx.send(insert_findings_sql, pg::params(kinds, keys, details, mended, now));
}

claimed_operation to_claimed(pg::row r) {
    claimed_operation c;
    c.op = {.payment = r.get<payment_id>(1), .kind = parse_operation_kind(r.get<std::string_view>(2)).value(), .key = r.get<std::string>(0),
            .amount = r.get<std::int64_t>(4), .refund_id = r.get<std::string>(3)};
    c.currency = to_currency(r.get<std::string_view>(5));
    c.was = parse_operation_state(r.get<std::string_view>(6)).value();
    c.attempts = r.get<std::int32_t>(7);
    c.order = r.get<order_id>(8);
    c.method = r.get<std::string>(9);
    c.provider_reference = r.get<std::string>(10);
    c.traceparent = r.get<std::string>(11);
    return c;
}

}  // namespace

task<std::vector<payment>> postgres_store::lock(storage::unit_of_work& uow, std::vector<payment_id> ids) {
    auto& tx = pg::of(uow);
    const auto found = co_await tx.query(lock_sql, pg::params(ids));
    std::vector<payment> out;
    out.reserve(static_cast<std::size_t>(found.size()));
    std::vector<payment*> with_refunds;
    for (const auto r : found) {
        bool has_refunds = false;
        out.push_back(to_stored_payment(r, has_refunds).value);
        if (has_refunds) with_refunds.push_back(&out.back());
    }
    // Only now: a statement of its own sees what others wrote while this one waited for its locks.
    co_await add_refunds(tx, std::move(with_refunds));
    co_return out;
}

task<void> postgres_store::save(storage::unit_of_work& uow, const changes& c, time_point now) {
    auto& tx = pg::of(uow);
    send_opened(tx, c.opened, now);
    send_payments(tx, c.payments, now);
    send_refunds(tx, c.refunds, now);
    send_operations(tx, c.operations, now);
    send_bookings(tx, c.bookings, now);
    send_updates(tx, c.updates, now);
    send_findings(tx, c.findings, now);
    co_return;
}

task<std::vector<claimed_operation>> postgres_store::claim(storage::unit_of_work& uow, time_point now, time_point lease_end, int limit) {
    const auto found = co_await pg::of(uow).query(claim_sql, pg::params(now, lease_end, std::int64_t{limit}, now + farthest_due));
    std::vector<claimed_operation> out;
    out.reserve(static_cast<std::size_t>(found.size()));
    for (const auto r : found) out.push_back(to_claimed(r));
    co_return out;
}

task<void> postgres_store::hurry(storage::unit_of_work& uow, std::vector<std::string> keys, time_point now) {
    pg::of(uow).send(hurry_sql, pg::params(keys, now));
    co_return;
}

task<std::optional<time_point>> postgres_store::next_due(storage::unit_of_work& uow) {
    const auto found = co_await pg::of(uow).query(next_due_sql);
    co_return found.front().get<std::optional<time_point>>(0);
}

task<std::int64_t> postgres_store::reconciled_until(storage::unit_of_work& uow) {
    const auto found = co_await pg::of(uow).query(reconciled_until_sql);
    co_return found.front().get<std::int64_t>(0);
}

task<void> postgres_store::set_reconciled_until(storage::unit_of_work& uow, std::int64_t sequence) {
    pg::of(uow).send(set_reconciled_sql, pg::params(sequence));
    co_return;
}

}  // namespace bv::payment
