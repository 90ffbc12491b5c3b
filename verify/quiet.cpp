#include "verify/quiet.hpp"

#include <string_view>

#include <fmt/format.h>

#include "verify/snapshot.hpp"

namespace bv::verify {
namespace {

struct consumption {
    std::string_view source, consumer;
    std::vector<std::string_view> types;
};

const std::vector<consumption>& consumptions() {
    static const std::vector<consumption> all{
        {"orders", "inventory", {"OrderPlaced", "OrderConfirmed", "StockReleaseRequested", "OrderReturned"}},
        {"orders", "payment", {"PaymentRequested", "CaptureRequested", "VoidRequested", "RefundRequested"}},
        {"orders", "notification", {"OrderConfirmed", "OrderCancelled", "OrderReturned"}},
        {"orders", "orders", {"OrderPlaced", "PaymentRequested", "CaptureRequested", "OrderConfirmed", "OrderCancelled", "OrderReturned",
                              "StreamPaymentCaptured", "StreamStockReleased", "StreamPaymentVoided", "StreamPaymentRefunded"}},
        {"inventory", "orders", {"StockReserved", "StockRejected", "StockReleased", "ReservationExpired", "StockCommitRejected"}},
        {"payment", "orders", {"PaymentAuthorised", "PaymentDeclined", "PaymentCaptured", "CaptureFailed", "PaymentVoided", "PaymentRefunded"}},
    };
    return all;
}

// The package of a source's events.
std::string_view package(std::string_view source) { return source == "orders" ? "order" : source; }

std::string amount(std::int64_t n, std::string_view what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

}  // namespace

const std::string& waiting_events() {
    static const std::string sql = [] {
        std::string out;
        for (const auto* source : {"orders", "inventory", "payment"}) {
            if (!out.empty()) out += " UNION ALL ";
            out += fmt::format("SELECT o.key, t.consumer, o.type, o.position, o.time, '{0}' AS source FROM {0}.outbox o JOIN ({1}) t(source, consumer, type) ON t.source = '{0}' AND t.type = o.type "
                               "LEFT JOIN ({2}) p ON p.consumer = t.consumer AND p.source = t.source "
                               "WHERE o.position > coalesce(p.position, 0) "
                               // Spares a scan of all that was passed by everyone.
                               "AND o.position > (SELECT coalesce(min(coalesce(p2.position, 0)), 0) FROM ({1}) t2(source, consumer, type) "
                               "LEFT JOIN ({2}) p2 ON p2.consumer = t2.consumer AND p2.source = t2.source WHERE t2.source = '{0}')",
                               source, consumed_types(), positions());
        }
        return out;
    }();
    return sql;
}

std::string activity::str() const {
    if (none()) return "quiet";
    return fmt::format("{}, {}, {} to be applied", amount(sagas, "saga"), amount(operations, "payment operation"), amount(events, "event"));
}

const std::string& consumed_types() {
    static const std::string sql = [] {
        std::string out;
        for (const auto& c : consumptions()) {
            for (const auto type : c.types)
                out += fmt::format("{}('{}', '{}', 'bitvelocity.commerce.{}.v1.{}')", out.empty() ? "VALUES " : ", ", c.source, c.consumer, package(c.source), type);
        }
        return out;
    }();
    return sql;
}

const std::string& positions() {
    static const std::string sql = [] {
        std::string out;
        for (const auto* consumer : {"inventory", "payment", "notification", "orders"})
            out += fmt::format("{}SELECT '{}' AS consumer, source, min(position) AS position FROM {}.consumer_passed GROUP BY source",
                               out.empty() ? "" : " UNION ALL ", consumer, consumer);
        return out;
    }();
    return sql;
}

task<activity> read_activity(pg::transaction& tx) {
    const auto sql = kept(fmt::format("SELECT (SELECT count(*) FROM orders.saga), (SELECT count(*) FROM payment.operations WHERE state <> 'done'), "
                                      "(SELECT count(*) FROM ({}) e)", waiting_events()));
    const auto rows = co_await tx.query(sql);
    const auto row = rows.front();
    co_return activity{row.get<std::int64_t>(0), row.get<std::int64_t>(1), row.get<std::int64_t>(2)};
}

task<std::vector<uuid>> orders_under_way(pg::transaction& tx) {
    const auto sql = kept(fmt::format("SELECT order_id FROM orders.saga "
                                      "UNION SELECT p.order_id FROM payment.operations o JOIN payment.payments p ON p.id = o.payment_id WHERE o.state <> 'done' "
                                      "UNION SELECT e.key::uuid FROM ({}) e WHERE e.key ~ '^[0-9a-f-]{{36}}$' ORDER BY 1", waiting_events()));
    std::vector<uuid> out;
    for (const auto row : co_await tx.query(sql)) out.push_back(row.get<uuid>(0));
    co_return out;
}

}  // namespace bv::verify
