// Every way that a check claims to detect: the stores of a true world are spoilt, and exactly the invariants that this
// breaks must fail, naming what was spoilt.
#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "verify/true_world.hpp"

namespace bv::verify::testing {
namespace {

struct corruption {
    const char* name;
    const char* sql;                    // {confirmed} and the like are order ids; SILENTLY: no audit; UNCHECKED(t): without t's constraints
    std::set<std::string> broken;       // invariants
    const char* id;                     // a part of the id of a violation of the first…
    const char* in = nullptr;           // …or of this one
};

// Shorthands of the SQL below.
std::string expanded(std::string sql) {
    const auto replace = [&sql](std::string_view what, std::string_view with) {
        for (auto at = sql.find(what); at != std::string::npos; at = sql.find(what, at + with.size())) sql.replace(at, what.size(), with);
    };
    replace("SILENTLY;", "SET LOCAL session_replication_role = replica;");
    replace("LOUDLY;", "SET LOCAL session_replication_role = origin;");
    for (const std::string table : {"inventory.stock", "inventory.reservations", "payment.payments", "payment.refunds", "payment.ledger_entries", "notification.notifications"})
        replace("UNCHECKED(" + table + ");",
                "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = '" + table +
                    "'::regclass AND contype IN ('c', 'u') LOOP EXECUTE 'ALTER TABLE " + table + " DROP CONSTRAINT ' || quote_ident(c.conname) || ' CASCADE'; END LOOP; END $$;");
    replace("PAYMENT(", "(SELECT id FROM payment.payments WHERE order_id = ");
    return sql;
}

class spoilt_world : public ::testing::TestWithParam<corruption> {};

TEST_P(spoilt_world, fails_exactly_what_was_broken) {
    auto& w = true_world::instance();
    const auto& c = GetParam();
    const auto r = w.check_after(expanded(c.sql), {.wait = seconds(0), .provider = w.provider()});
    std::set<std::string> broken;
    for (const auto& f : r.findings) {
        if (!f.holds()) broken.insert(f.invariant);
    }
    EXPECT_EQ(broken, c.broken) << to_text(r);
    const auto id = w.with_ids(c.id);
    const auto* f = r.find(c.in ? *c.broken.find(c.in) : *c.broken.begin());
    ASSERT_NE(f, nullptr);
    EXPECT_TRUE(std::ranges::any_of(f->violations, [&](const violation& v) { return v.id.find(id) != std::string::npos && v.expected != v.found; })) << id << "\n" << to_text(r);
}

std::string name_of(const ::testing::TestParamInfo<corruption>& info) { return info.param.name; }

const corruption stock_corruptions[]{
    {"received_level", "UPDATE inventory.stock SET received = received + 5 WHERE sku = 'SKU-0'", {"stock.conserved"}, "SKU-0"},
    {"reserved_level", "UPDATE inventory.stock SET reserved = reserved + 1 WHERE sku = 'SKU-1'", {"stock.conserved"}, "SKU-1"},
    {"sold_level", "UPDATE inventory.stock SET sold = sold + 1 WHERE sku = 'SKU-2'", {"stock.conserved"}, "SKU-2"},
    {"receipt_lost", "DELETE FROM inventory.receipts WHERE sku = 'SKU-1' AND reference = 'delivery-1'", {"stock.conserved"}, "SKU-1"},
    {"stock_row_lost", "DELETE FROM inventory.stock WHERE sku = 'SKU-3'", {"stock.conserved"}, "SKU-3"},
    {"available_level", "ALTER TABLE inventory.stock ALTER available DROP EXPRESSION; UPDATE inventory.stock SET available = available + 1 WHERE sku = 'SKU-0'", {"stock.conserved"}, "SKU-0"},
    {"oversold",
     "UNCHECKED(inventory.stock); UPDATE inventory.receipts SET quantity = 1 WHERE sku = 'SKU-0'; UPDATE inventory.stock SET received = 2 WHERE sku = 'SKU-0'",
     {"stock.conserved"}, "SKU-0"},
    {"returned_more_than_sold", "UPDATE inventory.reservations SET returned[1] = 99 WHERE order_id = '{confirmed}'", {"stock.conserved", "stock.matches_orders"}, "{confirmed}"},
    {"reservation_with_uneven_arrays", "UPDATE inventory.reservations SET returned = '{}' WHERE order_id = '{confirmed}'", {"stock.conserved", "stock.matches_orders"}, "{confirmed}"},
    {"reserved_other_quantity",
     "UPDATE inventory.reservations SET quantities[1] = 3 WHERE order_id = '{confirmed}'; UPDATE inventory.stock SET sold = sold + 1 WHERE sku = 'SKU-0'",
     {"stock.matches_orders"}, "{confirmed}"},
    {"reserved_other_sku",
     "UPDATE inventory.reservations SET skus[1] = 'SKU-3' WHERE order_id = '{confirmed}';"
     "UPDATE inventory.stock SET sold = sold - 2 WHERE sku = 'SKU-0'; UPDATE inventory.stock SET sold = sold + 2 WHERE sku = 'SKU-3'",
     {"stock.matches_orders"}, "{confirmed}"},
    {"confirmed_order_given_back",
     "UPDATE inventory.reservations SET status = 3 WHERE order_id = '{confirmed}'; UPDATE inventory.stock SET sold = sold - 2 WHERE sku = 'SKU-0'",
     {"stock.matches_orders"}, "{confirmed}"},
    {"returned_order_not_restocked",
     "UPDATE inventory.reservations SET returned = '{0,0}' WHERE order_id = '{returned}'; UPDATE inventory.stock SET sold = sold + 2 WHERE sku IN ('SKU-0', 'SKU-1')",
     {"stock.matches_orders"}, "{returned}"},
    {"cancelled_order_holds_stock",
     "UPDATE inventory.reservations SET status = 1 WHERE order_id = '{cancelled}'; UPDATE inventory.stock SET reserved = reserved + 4 WHERE sku IN ('SKU-0', 'SKU-1')",
     {"stock.matches_orders", "events.once"}, "{cancelled}", "stock.matches_orders"},
    {"reservation_without_order",
     "INSERT INTO inventory.reservations VALUES ('00000000-0000-4000-8000-000000000001', 3, '{SKU-0}', '{1}', '{0}', now(), now())", {"stock.matches_orders"},
     "00000000-0000-4000-8000-000000000001"},
};

const corruption money_corruptions[]{
    {"posting_changed", "UPDATE payment.ledger_entries SET amount_minor = amount_minor + 1 WHERE payment_id = PAYMENT('{confirmed}') AND account = 'provider_clearing'",
     {"ledger.balanced", "payments.match_orders"}, "currency GBP", "ledger.balanced"},
    {"posting_lost", "DELETE FROM payment.ledger_entries WHERE payment_id = PAYMENT('{confirmed}') AND account = 'provider_clearing'",
     {"ledger.balanced", "payments.match_orders"}, "currency GBP", "ledger.balanced"},
    {"posting_in_another_transaction",
     "UPDATE payment.ledger_entries SET transaction_id = '00000000-0000-4000-8000-000000000002' WHERE payment_id = PAYMENT('{confirmed}') AND account = 'sales'",
     {"ledger.balanced"}, "00000000-0000-4000-8000-000000000002"},
    {"transaction_of_two_payments",
     "UPDATE payment.ledger_entries SET payment_id = PAYMENT('{bigger}') WHERE payment_id = PAYMENT('{confirmed}') AND account = 'sales'",
     {"ledger.balanced", "payments.match_orders"}, "payment ", "payments.match_orders"},
    {"transaction_lost", "DELETE FROM payment.ledger_entries WHERE payment_id = PAYMENT('{confirmed}')", {"payments.match_orders", "provider.agrees"}, "payment "},
    {"captured_amount", "UPDATE payment.payments SET captured_minor = captured_minor - 1 WHERE order_id = '{confirmed}'", {"payments.match_orders"}, "{confirmed}"},
    {"captured_twice",
     "INSERT INTO payment.operations SELECT key || ':again', payment_id, kind, refund_id, amount_minor, currency, state, attempts, next_at, NULL, succeeded, traceparent, created_at, "
     "updated_at FROM payment.operations WHERE kind = 'capture' AND payment_id = PAYMENT('{confirmed}')",
     {"payments.match_orders"}, "{confirmed}"},
    {"capture_that_failed", "UPDATE payment.operations SET succeeded = false WHERE kind = 'capture' AND payment_id = PAYMENT('{confirmed}')",
     {"payments.match_orders", "provider.agrees"}, "{confirmed}"},
    {"payment_in_another_currency", "UPDATE payment.payments SET currency = 'EUR' WHERE order_id = '{confirmed}'", {"payments.match_orders"}, "{confirmed}"},
    {"refund_lost", "DELETE FROM payment.refunds WHERE payment_id = PAYMENT('{returned_partly}')", {"payments.match_orders"}, "payment "},
    {"refunded_amount", "UPDATE payment.payments SET refunded_minor = refunded_minor - 1, status = 'captured' WHERE order_id = '{returned_partly}'", {"payments.match_orders"},
     "{returned_partly}"},
    {"refunded_more_than_captured", "UNCHECKED(payment.payments); UPDATE payment.payments SET refunded_minor = 99999 WHERE order_id = '{returned}'", {"payments.match_orders"},
     "{returned}"},
    {"cancelled_order_not_refunded", "UPDATE payment.payments SET refunded_minor = 0, status = 'captured' WHERE order_id = '{cancelled}'", {"payments.match_orders"}, "{cancelled}"},
    {"cancelled_order_holds_money", "UPDATE payment.payments SET status = 'authorised' WHERE order_id = '{declined}'", {"payments.match_orders"}, "{declined}"},
    {"status_and_amounts", "UPDATE payment.payments SET status = 'voided' WHERE order_id = '{confirmed}'", {"payments.match_orders"}, "payment "},
    {"payment_without_order",
     "INSERT INTO payment.payments SELECT '00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000004', customer_id, 'declined', currency, 0, 0, 0, 0, false, method, "
     "'', '', false, now(), now() FROM payment.payments LIMIT 1",
     {"payments.match_orders"}, "00000000-0000-4000-8000-000000000003"},
    {"payment_lost",
     "DELETE FROM payment.ledger_entries WHERE payment_id = PAYMENT('{confirmed}'); DELETE FROM payment.operations WHERE payment_id = PAYMENT('{confirmed}');"
     "DELETE FROM payment.payments WHERE order_id = '{confirmed}'",
     {"payments.match_orders", "provider.agrees", "events.once"}, "{confirmed}", "payments.match_orders"},
};

const corruption provider_corruptions[]{
    {"operation_of_another_amount", "UPDATE payment.operations SET amount_minor = amount_minor + 1 WHERE kind = 'authorise' AND payment_id = PAYMENT('{confirmed}')",
     {"provider.agrees"}, "operation authorise:"},
    {"operation_of_another_outcome", "UPDATE payment.operations SET succeeded = true WHERE kind = 'authorise' AND payment_id = PAYMENT('{declined}')", {"provider.agrees"},
     "operation authorise:"},
    {"operation_lost", "DELETE FROM payment.operations WHERE kind = 'authorise' AND payment_id = PAYMENT('{confirmed}')", {"provider.agrees"}, "operation authorise:"},
    {"operation_that_the_provider_never_saw",
     "INSERT INTO payment.operations SELECT 'void:made-up', payment_id, 'void', '', 0, currency, 'done', 1, now(), 999999, true, '', now(), now() FROM payment.operations LIMIT 1",
     {"provider.agrees"}, "void:made-up"},
    {"another_total",
     "UPDATE payment.ledger_entries SET amount_minor = amount_minor * 2 WHERE payment_id = PAYMENT('{confirmed}')", {"payments.match_orders", "provider.agrees"},
     "total captured in GBP", "provider.agrees"},
};

const corruption stream_corruptions[]{
    {"event_lost", "DELETE FROM orders.events WHERE order_id = '{confirmed}' AND version = 2", {"streams.legal", "projections.fold", "events.once"}, "{confirmed}", "streams.legal"},
    {"stream_that_begins_late", "DELETE FROM orders.events WHERE order_id = '{short}' AND version = 1",
     {"streams.legal", "projections.fold", "stock.matches_orders", "notifications.once"}, "{short}", "streams.legal"},
    {"events_in_another_order",
     "UPDATE orders.events SET type = CASE type WHEN 'StockReserved' THEN 'OrderConfirmed' ELSE 'StockReserved' END WHERE order_id = '{confirmed}' AND type IN ('StockReserved', 'OrderConfirmed')",
     {"streams.legal", "projections.fold", "orders.final"}, "{confirmed}", "streams.legal"},
    {"event_that_may_not_follow",
     "INSERT INTO orders.events SELECT order_id, version + 1, 'OrderConfirmed', '', customer_id, at, actor, traceparent FROM orders.events WHERE order_id = '{confirmed}' "
     "ORDER BY version DESC LIMIT 1",
     {"streams.legal", "projections.fold"}, "{confirmed}", "streams.legal"},
    {"event_of_another_customer", "UPDATE orders.events SET customer_id = gen_random_uuid() WHERE order_id = '{confirmed}' AND version = 2", {"streams.legal"}, "{confirmed}"},
    {"event_that_cannot_be_read", "UPDATE orders.events SET payload = '\\xff' WHERE order_id = '{returned}' AND type = 'PaymentRefunded'",
     {"streams.legal", "payments.match_orders"}, "{returned}", "streams.legal"},
    {"event_of_an_unknown_type", "UPDATE orders.events SET type = 'OrderPondered' WHERE order_id = '{returned}' AND type = 'PaymentRefunded'",
     {"streams.legal", "payments.match_orders", "events.once"}, "{returned}", "streams.legal"},
    {"snapshot_that_cannot_be_read", "INSERT INTO orders.snapshots SELECT order_id, 1, customer_id, '' FROM orders.events WHERE order_id = '{confirmed}' AND version = 1",
     {"streams.legal"}, "orders"},
    {"stream_of_another_order",
     "INSERT INTO orders.events SELECT '00000000-0000-4000-8000-000000000005', version, type, payload, customer_id, at, actor, traceparent FROM orders.events "
     "WHERE order_id = '{short}'",
     {"streams.legal", "projections.fold", "notifications.once"}, "00000000-0000-4000-8000-000000000005", "streams.legal"},
};

const corruption read_model_corruptions[]{
    // A snapshot of the order as it is now, said to be of its first version: field 1 of the message is the order.
    {"snapshot",
     "INSERT INTO orders.snapshots SELECT order_id, 1, customer_id, '\\x0a'::bytea || set_byte(set_byte('\\x0000'::bytea, 0, (length(document) & 127) | 128), 1, length(document) >> 7) "
     "|| document FROM orders.order_detail WHERE order_id = '{bigger}'",
     {"projections.fold"}, "{bigger}"},
    {"summary", "UPDATE orders.order_summary SET total = total + 1 WHERE order_id = '{confirmed}'", {"projections.fold"}, "{confirmed}"},
    {"summary_status", "UPDATE orders.order_summary SET status = 5 WHERE order_id = '{confirmed}'", {"projections.fold"}, "{confirmed}"},
    {"summary_lost", "DELETE FROM orders.order_summary WHERE order_id = '{short}'", {"projections.fold"}, "{short}"},
    {"summary_behind", "UPDATE orders.order_summary SET version = version - 1 WHERE order_id = '{confirmed}'", {"projections.fold"}, "{confirmed}"},
    {"summary_without_stream",
     "INSERT INTO orders.order_summary SELECT '00000000-0000-4000-8000-000000000006', version, customer_id, status, currency, total, refunded, cancel_reason, cancel_detail, payment_id, "
     "external_reference, ordered_at, placed_at, updated_at, 0, 0, 0, 0 FROM orders.order_summary WHERE order_id = '{short}'",
     {"projections.fold"}, "00000000-0000-4000-8000-000000000006"},
    {"detail", "UPDATE orders.order_detail SET document = '' WHERE order_id = '{confirmed}'", {"projections.fold"}, "{confirmed}"},
    {"detail_lost", "DELETE FROM orders.order_detail WHERE order_id = '{confirmed}'", {"projections.fold"}, "{confirmed}"},
    {"detail_without_stream", "INSERT INTO orders.order_detail SELECT '00000000-0000-4000-8000-000000000007', 1, customer_id, '' FROM orders.order_detail LIMIT 1", {"projections.fold"},
     "00000000-0000-4000-8000-000000000007"},
    {"daily_sales", "UPDATE orders.daily_sales SET revenue = revenue + 1", {"projections.fold"}, "daily sales "},
    {"daily_sales_lost", "DELETE FROM orders.daily_sales", {"projections.fold"}, "daily sales "},
    {"price_point", "UPDATE product.price_points SET minor_units = 1 WHERE currency = 'EUR'", {"projections.fold"}, "product SKU-0 in EUR"},
    {"price_point_lost", "DELETE FROM product.price_points WHERE currency = 'GBP'", {"projections.fold"}, "product SKU-0 in GBP"},
};

// A dead letter of the first event that inventory passed.
#define DEAD_LETTER(state)                                                                                                                     \
    "INSERT INTO inventory.dead_letter SELECT 'inventory', 'orders', position, id, type, key, time, actor, traceparent, payload, 5, "          \
    "'INTERNAL BROKEN: it broke', '" state "' FROM orders.outbox WHERE key = '{confirmed}' ORDER BY position LIMIT 1"

const corruption event_corruptions[]{
    {"dead_letter", DEAD_LETTER("failed"), {"events.once"}, "of key {confirmed}"},
    {"parked_letter", DEAD_LETTER("blocked"), {"events.once"}, "of key {confirmed}"},
    {"position_beyond_the_head", "UPDATE inventory.consumer_position SET position = position + 100000", {"events.once"}, "group inventory of orders"},
    {"announced_twice",
     "INSERT INTO inventory.outbox (id, type, key, payload) SELECT gen_random_uuid(), type, key, payload FROM inventory.outbox WHERE key = '{confirmed}' AND type LIKE '%StockReserved'",
     {"events.once"}, "{confirmed}"},
    {"reservation_missing", "DELETE FROM inventory.reservations WHERE order_id = '{short}'", {"events.once"}, "{short}"},
    {"reservation_not_committed",
     "UPDATE inventory.reservations SET status = 1 WHERE order_id = '{confirmed}'; UPDATE inventory.stock SET sold = sold - 2, reserved = reserved + 2 WHERE sku = 'SKU-0'",
     {"events.once", "stock.matches_orders"}, "{confirmed}", "events.once"},
    {"capture_not_begun", "UPDATE payment.payments SET status = 'authorised' WHERE order_id = '{confirmed}'", {"events.once", "payments.match_orders"}, "{confirmed}", "events.once"},
    {"reply_without_order", "SILENTLY; UPDATE inventory.outbox SET key = '00000000-0000-4000-8000-000000000008' WHERE key = '{confirmed}' AND type LIKE '%StockReserved'",
     {"events.once"}, "00000000-0000-4000-8000-000000000008"},
    {"refund_applied_less_often", "UPDATE payment.outbox SET key = '{confirmed}' WHERE key = '{returned}' AND type LIKE '%PaymentRefunded'", {"events.once"}, "{confirmed}"},
};

const corruption notification_corruptions[]{
    {"not_told", "DELETE FROM notification.notifications WHERE order_id = '{confirmed}'", {"notifications.once", "events.once"}, "{confirmed}", "notifications.once"},
    {"return_not_told", "DELETE FROM notification.notifications WHERE order_id = '{returned}' AND kind = 3", {"notifications.once", "events.once"}, "{returned}", "notifications.once"},
    {"told_twice",
     "UNCHECKED(notification.notifications); INSERT INTO notification.notifications SELECT gen_random_uuid(), customer_id, order_id, kind, return_id, subject, text, created_at, read_at "
     "FROM notification.notifications WHERE order_id = '{declined}'",
     {"notifications.once", "events.once"}, "{declined}", "notifications.once"},
    {"told_what_never_was",
     "INSERT INTO notification.notifications SELECT gen_random_uuid(), customer_id, order_id, 2, '', subject, text, created_at, read_at FROM notification.notifications "
     "WHERE order_id = '{confirmed}'",
     {"notifications.once"}, "{confirmed}"},
    {"told_of_a_return_that_never_was",
     "INSERT INTO notification.notifications SELECT gen_random_uuid(), customer_id, order_id, 3, 'made-up', subject, text, created_at, read_at FROM notification.notifications "
     "WHERE order_id = '{confirmed}'",
     {"notifications.once"}, "{confirmed}"},
    {"told_to_another", "UPDATE notification.notifications SET customer_id = gen_random_uuid() WHERE order_id = '{short}'", {"notifications.once"}, "{short}"},
    {"told_without_order",
     "INSERT INTO notification.notifications SELECT '00000000-0000-4000-8000-000000000009', customer_id, gen_random_uuid(), 1, '', subject, text, created_at, read_at "
     "FROM notification.notifications LIMIT 1",
     {"notifications.once"}, "00000000-0000-4000-8000-000000000009"},
};

const corruption audit_corruptions[]{
    {"unaudited_update", "SILENTLY; UPDATE inventory.stock SET updated_at = now() WHERE sku = 'SKU-0'", {"audit.complete"}, "inventory.stock SKU-0"},
    {"unaudited_update_of_a_redacted_column", "SILENTLY; UPDATE notification.notifications SET text = 'another' WHERE order_id = '{confirmed}'", {"audit.complete"},
     "notification.notifications "},
    {"unaudited_insert", "SILENTLY; INSERT INTO inventory.stock (sku) VALUES ('SKU-9')", {"audit.complete"}, "inventory.stock SKU-9"},
    {"unaudited_delete", "SILENTLY; DELETE FROM orders.external_references", {"audit.complete"}, "orders.external_references "},
    {"update_and_back", "UPDATE inventory.stock SET updated_at = 'epoch' WHERE sku = 'SKU-0'; SILENTLY; DELETE FROM audit.entries WHERE id = (SELECT max(id) FROM audit.entries "
                        "WHERE row_key = 'SKU-0'); LOUDLY; UPDATE inventory.stock SET updated_at = now() WHERE sku = 'SKU-0'",
     {"audit.complete"}, "inventory.stock SKU-0"},
    {"insert_entry_lost", "DELETE FROM audit.entries WHERE table_name = 'payment.payments' AND operation = 1 AND row_key = PAYMENT('{confirmed}')::text", {"audit.complete"},
     "payment.payments "},
    {"newest_entry_lost", "DELETE FROM audit.entries WHERE id = (SELECT max(id) FROM audit.entries WHERE table_name = 'inventory.reservations' AND row_key = '{confirmed}')",
     {"audit.complete"}, "inventory.reservations {confirmed}"},
    {"delete_entry_lost",
     "DELETE FROM product.price_points; DELETE FROM product.products; DELETE FROM audit.entries WHERE table_name = 'product.products' AND operation = 3", {"audit.complete"},
     "product.products SKU-0"},
    {"entry_changed", "UPDATE audit.entries SET new_values = new_values || '{\"sold\": 77}' WHERE table_name = 'inventory.stock' AND operation = 2 AND row_key = 'SKU-0'",
     {"audit.complete"}, "inventory.stock SKU-0"},
    {"entry_of_another_row", "UPDATE audit.entries SET row_key = 'SKU-8' WHERE table_name = 'inventory.receipts' AND row_key = 'delivery-1/SKU-0'", {"audit.complete"},
     "inventory.receipts SKU-8"},
    {"inserted_twice",
     "INSERT INTO audit.entries (table_name, row_key, operation, actor, old_values, new_values) SELECT table_name, row_key, 1, actor, NULL, new_values FROM audit.entries "
     "WHERE table_name = 'inventory.receipts' AND row_key = 'delivery-1/SKU-0'",
     {"audit.complete"}, "inventory.receipts delivery-1/SKU-0"},
    {"trigger_off", "ALTER TABLE inventory.stock DISABLE TRIGGER audit_updated", {"audit.complete"}, "inventory.stock"},
    {"tracked_table_gone", "INSERT INTO audit.tracked VALUES ('nowhere.nothing', '{id}', '{}')", {"audit.complete"}, "nowhere.nothing"},
};

const corruption stuck_corruptions[]{
    {"saga_overdue", "INSERT INTO orders.saga VALUES ('{confirmed}', 2, now() - interval '1 hour')", {"orders.final"}, "{confirmed}"},
    {"saga_of_an_order_without_stream", "INSERT INTO orders.saga VALUES ('00000000-0000-4000-8000-00000000000a', 1, now() + interval '1 hour')", {"orders.final"},
     "00000000-0000-4000-8000-00000000000a"},
    {"order_without_saga",
     "INSERT INTO orders.events SELECT '00000000-0000-4000-8000-00000000000b', version, type, payload, customer_id, at, actor, traceparent FROM orders.events "
     "WHERE order_id = '{confirmed}' AND version = 1",
     {"orders.final", "streams.legal", "projections.fold"}, "00000000-0000-4000-8000-00000000000b", "orders.final"},
    {"consumer_that_stands", "UPDATE orders.outbox SET time = now() - interval '1 hour'; UPDATE notification.consumer_position SET position = 0", {"orders.final"},
     "notification, event orders#"},
    {"payment_operation_that_never_ends", "UPDATE payment.operations SET state = 'unknown', created_at = now() - interval '1 day' WHERE kind = 'capture'", {"orders.final"},
     "payment operation capture:"},
};

INSTANTIATE_TEST_SUITE_P(stock, spoilt_world, ::testing::ValuesIn(stock_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(money, spoilt_world, ::testing::ValuesIn(money_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(provider, spoilt_world, ::testing::ValuesIn(provider_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(streams, spoilt_world, ::testing::ValuesIn(stream_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(read_models, spoilt_world, ::testing::ValuesIn(read_model_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(events, spoilt_world, ::testing::ValuesIn(event_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(notifications, spoilt_world, ::testing::ValuesIn(notification_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(audit, spoilt_world, ::testing::ValuesIn(audit_corruptions), name_of);
INSTANTIATE_TEST_SUITE_P(stuck, spoilt_world, ::testing::ValuesIn(stuck_corruptions), name_of);

TEST(discarded_letter, is_no_violation_and_excuses_its_effect) {
    auto& w = true_world::instance();
    const auto r = w.check_after("DELETE FROM inventory.reservations WHERE order_id = '{short}';"
                                 "INSERT INTO inventory.dead_letter SELECT 'inventory', 'orders', position, id, type, key, time, actor, traceparent, payload, 5, 'x', 'discarded' "
                                 "FROM orders.outbox WHERE key = '{short}' AND type LIKE '%OrderPlaced'",
                                 {.wait = seconds(0), .provider = w.provider()});
    EXPECT_TRUE(r.holds()) << to_text(r);
}

}  // namespace
}  // namespace bv::verify::testing
