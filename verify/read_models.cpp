// streams.legal, projections.fold, notifications.once and orders.final, as far as SQL tells.
#include <fmt/format.h>

#include "verify/checks.hpp"
#include "verify/quiet.hpp"

namespace bv::verify {
namespace {

// The order service looks for streams by their first event.
constexpr rule headless_streams{R"(
    SELECT 'order ' || order_id, 'a stream that begins with version 1', 'one that begins with version ' || min(version)
      FROM orders.events GROUP BY order_id HAVING min(version) <> 1)"};

constexpr rule behind{R"(
    SELECT 'order ' || h.order_id, 'read models at version ' || h.version,
           format('summary at %s, detail at %s', coalesce(s.version::text, 'none'), coalesce(d.version::text, 'none'))
      FROM (SELECT order_id, max(version) AS version FROM orders.events GROUP BY order_id) h
      LEFT JOIN orders.order_summary s ON s.order_id = h.order_id
      LEFT JOIN orders.order_detail d ON d.order_id = h.order_id
     WHERE (s.version IS DISTINCT FROM h.version OR d.version IS DISTINCT FROM h.version) AND h.order_id <> ALL ($1::uuid[]))"};

constexpr rule stray_details{R"(
    SELECT 'order ' || d.order_id, 'a stream behind its detail', 'none'
      FROM orders.order_detail d LEFT JOIN orders.events e ON e.order_id = d.order_id AND e.version = 1 WHERE e.order_id IS NULL)"};

constexpr rule prices{R"(
    SELECT 'product ' || coalesce(e.sku, p.sku) || ' in ' || coalesce(e.currency, p.currency), coalesce(e.price, 'no price'), coalesce(p.minor_units::text, 'no price')
      FROM (SELECT q.sku, j.key AS currency, j.value AS price FROM product.products q, jsonb_each_text(q.prices) j) e
      FULL JOIN product.price_points p ON p.sku = e.sku AND p.currency = e.currency
     WHERE e.price IS DISTINCT FROM p.minor_units::text)"};

constexpr rule told_without_order{R"(
    SELECT 'notification ' || n.id, 'an order ' || n.order_id, 'none'
      FROM notification.notifications n LEFT JOIN orders.events e ON e.order_id = n.order_id AND e.version = 1
     WHERE e.order_id IS NULL)"};

constexpr census orders_census{"SELECT count(*) FROM orders.events WHERE version = 1"};

constexpr rule saga_rows{R"(
    WITH last AS (
        SELECT DISTINCT ON (order_id) order_id, type,
               CASE type WHEN 'OrderPlaced' THEN 1 WHEN 'StockReserved' THEN 2 WHEN 'PaymentAuthorised' THEN 3 END AS awaiting
          FROM orders.events
         WHERE type IN ('OrderPlaced', 'StockReserved', 'PaymentAuthorised', 'OrderConfirmed', 'OrderCancelled')
         ORDER BY order_id, version DESC)
    SELECT 'order ' || coalesce(l.order_id, s.order_id),
           CASE l.awaiting WHEN 1 THEN 'a saga that awaits stock' WHEN 2 THEN 'a saga that awaits authorisation' WHEN 3 THEN 'a saga that awaits capture'
                           ELSE 'no saga' END || ' after ' || coalesce(l.type, 'no event'),
           CASE s.awaiting WHEN 1 THEN 'one that awaits stock' WHEN 2 THEN 'one that awaits authorisation' WHEN 3 THEN 'one that awaits capture' ELSE 'none' END
      FROM last l FULL JOIN orders.saga s ON s.order_id = l.order_id
     WHERE l.awaiting IS DISTINCT FROM s.awaiting)"};

// A consumer that is behind for so long is not slow, it stands.
constexpr seconds stands{120};

}  // namespace

task<void> check_first_versions(const snapshot& s, finding& f) { co_await run_rule(s, headless_streams, f); }

task<void> check_read_models(const snapshot& s, finding& f) {
    co_await run_rule(s, behind, f);
    co_await run_rule(s, stray_details, f);
    co_await run_rule(s, prices, f);
}

task<void> check_notifications(const snapshot& s, finding& f) { co_await run_rule(s, told_without_order, f); }

task<void> check_final(const snapshot& s, finding& f, bool live, seconds grace) {
    co_await count(s, orders_census, f);
    co_await run_rule(s, saga_rows, f);
    if (!live) co_return;
    co_await run_rule(s, {kept(fmt::format(R"(
        SELECT 'order ' || order_id, 'an end of its saga by ' || deadline_at || ', or {0} s later', 'still open, ' || date_trunc('second', now() - deadline_at) || ' late'
          FROM orders.saga WHERE deadline_at + interval '{0} seconds' < now())", grace.count())).sql}, f);
    co_await run_rule(s, {kept(fmt::format(R"(
        SELECT format('%s, event %s#%s of key %s', consumer, source, position, key), split_part(type, '.', 5) || ' applied within {0} s',
               'waiting since ' || time
          FROM ({1}) w WHERE time + interval '{0} seconds' < now())", (stands + grace).count(), waiting_events())).sql}, f);
    co_await run_rule(s, {kept(fmt::format(R"(
        SELECT 'payment operation ' || key, 'an answer within {0} s', format('%s after %s attempts, since %s', state, attempts, created_at)
          FROM payment.operations WHERE state <> 'done' AND created_at + interval '{0} seconds' < now())", (10 * stands + grace).count())).sql}, f);
}

}  // namespace bv::verify
