// events.once: what a consumer has passed has had its effect there, once.
//
// A consumer's position moves in the transaction of the effect, so this holds exactly, also under load. Events older than
// the retention are gone and not looked at.
#include <fmt/format.h>

#include "verify/checks.hpp"
#include "verify/quiet.hpp"

namespace bv::verify {
namespace {

struct effect {
    std::string_view source, consumer, type;
    std::string_view expected;
    std::string_view found;  // SQL: what is there instead; the event is o, the o.nth of its type and key
    std::string_view holds;  // SQL: the effect is there, once
};

constexpr std::string_view reservation = "coalesce((SELECT 'status ' || r.status FROM inventory.reservations r WHERE r.order_id::text = o.key), 'no reservation')";
constexpr std::string_view payment = "coalesce((SELECT p.status FROM payment.payments p WHERE p.order_id::text = o.key), 'no payment')";

// r, p, s and n: the order's reservation, payment, stream and notifications (state_of).
constexpr effect effects[]{
    {"orders", "inventory", "OrderPlaced", "a reservation, held or rejected", reservation, "r.order_id IS NOT NULL"},
    {"orders", "inventory", "OrderConfirmed", "a reservation that is committed or rejected", reservation, "r.status IN (2, 3, 4)"},
    {"orders", "inventory", "StockReleaseRequested", "a reservation that holds nothing", reservation, "r.status IN (3, 4, 5)"},
    {"orders", "payment", "PaymentRequested", "a payment", payment, "p.id IS NOT NULL"},
    {"orders", "payment", "CaptureRequested", "a payment that is captured or being captured", payment,
     "p.status NOT IN ('authorised', 'authorising') OR p.wanted_capture_minor > 0 OR p.void_wanted"},
    {"orders", "payment", "VoidRequested", "a payment that is voided, given back or about to be", payment,
     "p.status NOT IN ('authorised', 'authorising', 'capturing') OR p.void_wanted"},
    {"inventory", "orders", "StockReserved", "one StockReserved in the stream, or a cancellation", "s.reserved || ' in the stream'",
     "s.reserved = 1 OR (s.reserved = 0 AND s.cancelled = 1)"},
    {"inventory", "orders", "StockRejected", "one OrderCancelled in the stream", "s.cancelled || ' in the stream'", "s.cancelled = 1"},
    {"inventory", "orders", "StockReleased", "one StockReleased in the stream", "s.released || ' in the stream'", "s.released = 1"},
    {"inventory", "orders", "ReservationExpired", "one OrderCancelled in the stream", "s.cancelled || ' in the stream'", "s.cancelled = 1 OR s.confirmed = 1"},
    {"inventory", "orders", "StockCommitRejected", "one OrderCancelled in the stream, or all returned", "s.cancelled || ' in the stream'", "s.cancelled = 1 OR s.returned > 0"},
    {"payment", "orders", "PaymentAuthorised", "one PaymentAuthorised in the stream, or a cancellation", "s.authorised || ' in the stream'",
     "s.authorised = 1 OR (s.authorised = 0 AND s.cancelled = 1)"},
    {"payment", "orders", "PaymentDeclined", "one OrderCancelled in the stream", "s.cancelled || ' in the stream'", "s.cancelled = 1"},
    {"payment", "orders", "PaymentCaptured", "one PaymentCaptured in the stream", "s.captured || ' in the stream'", "s.captured = 1"},
    {"payment", "orders", "CaptureFailed", "one OrderCancelled in the stream", "s.cancelled || ' in the stream'", "s.cancelled = 1"},
    {"payment", "orders", "PaymentVoided", "one PaymentVoided in the stream", "s.voided || ' in the stream'",
     "s.voided = 1 OR EXISTS (SELECT FROM payment.outbox f WHERE f.key = o.key AND f.type = 'bitvelocity.commerce.payment.v1.CaptureFailed')"},
    {"payment", "orders", "PaymentRefunded", "as many PaymentRefunded in the stream as events", "s.refunded || ' in the stream'",
     "s.refunded >= o.nth"},
    {"orders", "notification", "OrderConfirmed", "one notification of the confirmation", "coalesce(n.confirmed, 0)::text", "n.confirmed = 1"},
    {"orders", "notification", "OrderCancelled", "one notification of the cancellation", "coalesce(n.cancelled, 0)::text", "n.cancelled = 1"},
    {"orders", "notification", "OrderReturned", "a notification of each return", "coalesce(n.returned, 0)::text",
     "n.returned >= o.nth"},
};

// What a consumer made of an order's events, by the order's key.
std::string_view state_of(std::string_view consumer) {
    if (consumer == "inventory") return "LEFT JOIN inventory.reservations r ON r.order_id::text = o.key";
    if (consumer == "payment") return "LEFT JOIN payment.payments p ON p.order_id::text = o.key";
    if (consumer == "notification")
        return "LEFT JOIN (SELECT order_id::text AS key, count(*) FILTER (WHERE kind = 1) AS confirmed, count(*) FILTER (WHERE kind = 2) AS cancelled, "
               "count(*) FILTER (WHERE kind = 3) AS returned FROM notification.notifications GROUP BY order_id) n ON n.key = o.key";
    return R"(LEFT JOIN (
        SELECT order_id::text AS key, count(*) FILTER (WHERE type = 'StockReserved') AS reserved, count(*) FILTER (WHERE type = 'StockReleased') AS released,
               count(*) FILTER (WHERE type = 'OrderCancelled') AS cancelled, count(*) FILTER (WHERE type = 'OrderConfirmed') AS confirmed,
               count(*) FILTER (WHERE type = 'OrderReturned') AS returned,
               count(*) FILTER (WHERE type = 'PaymentAuthorised') AS authorised, count(*) FILTER (WHERE type = 'PaymentCaptured') AS captured,
               count(*) FILTER (WHERE type = 'PaymentVoided') AS voided, count(*) FILTER (WHERE type = 'PaymentRefunded') AS refunded
          FROM orders.events GROUP BY order_id) s ON s.key = o.key)";
}

std::string full_name(const effect& e) {
    return fmt::format("bitvelocity.commerce.{}.v1.{}", e.source == "orders" ? "order" : e.source, e.type);
}

// One query for all effects that a consumer has from a source.
std::string missing_effects(std::string_view source, std::string_view consumer) {
    std::string expected, found, holds;
    for (const auto& e : effects) {
        if (e.source != source || e.consumer != consumer) continue;
        const auto type = full_name(e);
        expected += fmt::format(" WHEN '{}' THEN '{}'", type, e.expected);
        found += fmt::format(" WHEN '{}' THEN {}", type, e.found);
        holds += fmt::format(" WHEN '{}' THEN ({})", type, e.holds);
    }
    return fmt::format(R"(
        SELECT o.key, CASE o.type{0} END || ' for event {3}#' || o.position || ' (' || split_part(o.type, '.', 5) || ')',
               coalesce(CASE o.type{1} END, 'no order')
          FROM (SELECT position, key, type, row_number() OVER (PARTITION BY key, type ORDER BY position) AS nth FROM {3}.outbox) o
          JOIN ({5}) t(source, consumer, type) ON t.source = '{3}' AND t.consumer = '{4}' AND t.type = o.type
          JOIN ({6}) c ON c.consumer = '{4}' AND c.source = '{3}' AND o.position <= c.position
          {7}
         WHERE (CASE o.type{2} ELSE true END) IS NOT TRUE
           AND NOT EXISTS (SELECT FROM {4}.dead_letter d WHERE d.source = '{3}' AND d.position = o.position AND d.state <> 'replayed'))",
                       expected, found, holds, source, consumer, consumed_types(), positions(), state_of(consumer));
}

constexpr rule announced_twice{R"(
    SELECT key, 'one ' || split_part(type, '.', 5) || ' event', count(*)::text
      FROM (SELECT key, type FROM orders.outbox
             WHERE split_part(type, '.', 5) IN ('OrderPlaced', 'PaymentRequested', 'CaptureRequested', 'OrderConfirmed', 'OrderCancelled', 'VoidRequested', 'StockReleaseRequested')
            UNION ALL
            SELECT key, type FROM inventory.outbox WHERE split_part(type, '.', 5) <> 'StockReceived'
            UNION ALL
            SELECT key, type FROM payment.outbox WHERE split_part(type, '.', 5) <> 'PaymentRefunded') o
     GROUP BY key, type HAVING count(*) > 1)"};

// Every schema with such a table, the commerce services' and the others'.
task<std::vector<std::string>> schemas_with(const snapshot& s, std::string table) {
    constexpr pg::statement sql{"verify.schemas_with",
                                "SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $1 AND c.relkind = 'r' ORDER BY 1"};
    std::vector<std::string> out;
    for (const auto row : co_await s.tx.query(sql, pg::params(table))) out.push_back(row.get<std::string>(0));
    co_return out;
}

task<void> check_positions(const snapshot& s, finding& f) {
    for (const auto& schema : co_await schemas_with(s, "consumer_position")) {
        co_await run_rule(s, {kept(fmt::format(R"(
            SELECT format('group %s of %s', c.group_name, c.source), 'a position up to the head, ' || h.head, c.position::text
              FROM {}.consumer_position c,
                   LATERAL (SELECT coalesce(pg_sequence_last_value(to_regclass(quote_ident(c.source) || '.outbox_position')), 0) AS head) h
             WHERE c.position > h.head)", schema)).sql}, f);
    }
}

task<void> check_dead_letters(const snapshot& s, finding& f) {
    for (const auto& schema : co_await schemas_with(s, "dead_letter")) {
        co_await run_rule(s, {kept(fmt::format(R"(
            SELECT format('group %s, event %s#%s of key %s', group_name, source, position, key), split_part(type, '.', 5) || ' applied, replayed or discarded',
                   format('%s after %s attempts: %s', state, attempts, error)
              FROM {}.dead_letter WHERE state IN ('failed', 'blocked'))", schema)).sql}, f);
    }
}

}  // namespace

task<void> check_events(const snapshot& s, finding& f) {
    constexpr std::pair<std::string_view, std::string_view> pairs[]{
        {"orders", "inventory"}, {"orders", "payment"}, {"inventory", "orders"}, {"payment", "orders"}, {"orders", "notification"}};
    for (const auto& [source, consumer] : pairs) {
        co_await count(s, {kept(fmt::format("SELECT count(*) FROM {0}.outbox o JOIN ({2}) t(source, consumer, type) ON t.source = '{0}' AND t.consumer = '{1}' AND t.type = o.type "
                                            "JOIN ({3}) c ON c.consumer = '{1}' AND c.source = '{0}' AND o.position <= c.position",
                                            source, consumer, consumed_types(), positions())).sql}, f);
        co_await run_rule(s, {kept(missing_effects(source, consumer)).sql}, f);
    }
    co_await run_rule(s, announced_twice, f);
    co_await check_positions(s, f);
    co_await check_dead_letters(s, f);
}

}  // namespace bv::verify
