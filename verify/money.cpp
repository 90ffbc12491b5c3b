// ledger.balanced, and the part of payments.match_orders that the payment service's tables tell by themselves.
#include "verify/checks.hpp"

namespace bv::verify {
namespace {

constexpr census transactions{"SELECT count(DISTINCT transaction_id) FROM payment.ledger_entries"};

constexpr rule unbalanced{R"(
    SELECT transaction_id::text, 'at least two postings of one payment and currency that sum to 0',
           format('%s postings, sum %s, %s payments, %s currencies', count(*), sum(amount_minor), count(DISTINCT payment_id), count(DISTINCT currency))
      FROM payment.ledger_entries
     GROUP BY transaction_id
    HAVING sum(amount_minor) <> 0 OR count(*) < 2 OR min(payment_id::text) <> max(payment_id::text) OR min(currency) <> max(currency))"};

constexpr rule currencies{R"(
    SELECT 'currency ' || currency, 'sum 0', 'sum ' || sum(amount_minor)
      FROM payment.ledger_entries GROUP BY currency HAVING sum(amount_minor) <> 0)"};

constexpr rule no_order{R"(
    SELECT 'payment ' || p.id, 'an order ' || p.order_id, 'none'
      FROM payment.payments p LEFT JOIN orders.events e ON e.order_id = p.order_id AND e.version = 1
     WHERE e.order_id IS NULL)"};

constexpr rule postings{R"(
    WITH booked AS (
        SELECT payment_id, coalesce(-sum(amount_minor) FILTER (WHERE account = 'sales'), 0) AS captured,
               coalesce(sum(amount_minor) FILTER (WHERE account = 'refunds'), 0) AS refunded,
               coalesce(sum(amount_minor) FILTER (WHERE account = 'provider_clearing'), 0) AS cleared,
               min(currency) AS currency
          FROM payment.ledger_entries GROUP BY payment_id)
    SELECT 'payment ' || p.id, format('in the ledger, %s: captured %s, refunded %s, with the provider %s', p.currency, p.captured_minor, p.refunded_minor,
                                      p.captured_minor - p.refunded_minor),
           format('%s: captured %s, refunded %s, with the provider %s', coalesce(b.currency, p.currency), coalesce(b.captured, 0), coalesce(b.refunded, 0),
                  coalesce(b.cleared, 0))
      FROM payment.payments p LEFT JOIN booked b ON b.payment_id = p.id
     WHERE (coalesce(b.captured, 0), coalesce(b.refunded, 0), coalesce(b.cleared, 0), coalesce(b.currency, p.currency))
           IS DISTINCT FROM (p.captured_minor, p.refunded_minor, p.captured_minor - p.refunded_minor, p.currency))"};

constexpr rule refunds{R"(
    WITH settled AS (SELECT payment_id, sum(amount_minor) AS amount FROM payment.refunds WHERE state = 'settled' GROUP BY payment_id)
    SELECT 'payment ' || p.id, format('refunds of %s that are settled', p.refunded_minor), coalesce(s.amount, 0)::text
      FROM payment.payments p LEFT JOIN settled s ON s.payment_id = p.id
     WHERE coalesce(s.amount, 0) <> p.refunded_minor)"};

constexpr rule amounts{R"(
    SELECT 'payment ' || id, CASE WHEN status IN ('captured', 'refunded') THEN 'something captured, and less refunded' ELSE 'nothing captured' END || ', as it is ' || status,
           format('captured %s, refunded %s', captured_minor, refunded_minor)
      FROM payment.payments
     WHERE (status IN ('captured', 'refunded')) <> (captured_minor > 0) OR refunded_minor > captured_minor
        OR (status = 'refunded') <> (captured_minor > 0 AND refunded_minor = captured_minor))"};

}  // namespace

task<void> check_ledger(const snapshot& s, finding& f) {
    co_await count(s, transactions, f);
    co_await run_rule(s, unbalanced, f);
    co_await run_rule(s, currencies, f);
}

task<void> check_payment_books(const snapshot& s, finding& f) {
    co_await run_rule(s, no_order, f);
    co_await run_rule(s, postings, f);
    co_await run_rule(s, refunds, f);
    co_await run_rule(s, amounts, f);
}

}  // namespace bv::verify
