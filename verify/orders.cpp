// Order by order: the stream against inventory, payment and notification, in batches of orders.
#include <unordered_map>

#include <fmt/format.h>

#include "verify/checks.hpp"
#include "verify/order_book.hpp"

namespace bv::verify {
namespace {

constexpr std::int64_t batch = 1'000;

constexpr pg::statement next_streams{"verify.streams", R"(
    SELECT e.order_id, e.type, e.payload, e.customer_id::text
      FROM (SELECT order_id FROM orders.events WHERE order_id > $1 AND version = 1 ORDER BY order_id LIMIT $2) w
      JOIN orders.events e ON e.order_id = w.order_id
     ORDER BY e.order_id, e.version)"};

constexpr pg::statement reservations_of{"verify.reservations", R"(
    SELECT order_id, status, skus, quantities, returned FROM inventory.reservations
     WHERE order_id = ANY ($1::uuid[])
       AND cardinality(skus) = cardinality(quantities) AND cardinality(skus) = cardinality(returned)
       AND array_position(skus, NULL) IS NULL AND array_position(quantities, NULL) IS NULL AND array_position(returned, NULL) IS NULL)"};

constexpr pg::statement payments_of{"verify.payments", R"(
    SELECT p.order_id, p.id::text, p.status, p.currency, p.captured_minor, p.refunded_minor, coalesce(o.captures, 0), coalesce(o.amount, 0)
      FROM payment.payments p
      LEFT JOIN (SELECT payment_id, count(*) AS captures, sum(amount_minor)::bigint AS amount FROM payment.operations
                  WHERE kind = 'capture' AND state = 'done' AND succeeded
                    AND payment_id IN (SELECT id FROM payment.payments WHERE order_id = ANY ($1::uuid[]))
                  GROUP BY payment_id) o ON o.payment_id = p.id
     WHERE p.order_id = ANY ($1::uuid[]))"};

constexpr pg::statement notifications_of{"verify.notifications", R"(
    SELECT order_id, kind, return_id, customer_id::text FROM notification.notifications WHERE order_id = ANY ($1::uuid[]))"};

struct books {
    std::vector<order_book> orders;
    std::unordered_map<uuid, reservation_row> reservations;
    std::unordered_map<uuid, payment_row> payments;
    std::unordered_map<uuid, std::vector<told_row>> told;
};

reservation_row reservation_of(pg::row row) {
    reservation_row r{row.get<std::int16_t>(1), {}};
    const auto skus = row.get<std::vector<std::string>>(2);
    const auto quantities = row.get<std::vector<std::int64_t>>(3), returned = row.get<std::vector<std::int64_t>>(4);
    for (std::size_t i = 0; i < skus.size(); ++i) {
        auto& l = r.lines[skus[i]];
        l.quantity += quantities[i];
        l.returned += returned[i];
    }
    return r;
}

payment_row payment_of(pg::row row) {
    return {row.get<std::string>(1),  row.get<std::string>(2),  row.get<std::string>(3), row.get<std::int64_t>(4),
            row.get<std::int64_t>(5), row.get<std::int64_t>(6), row.get<std::int64_t>(7)};
}

task<books> read_batch(const snapshot& s, uuid after) {
    books b;
    std::vector<uuid> ids;
    for (const auto row : co_await s.tx.query(next_streams, pg::params(after, batch))) {
        const auto id = row.get<uuid>(0);
        if (b.orders.empty() || b.orders.back().id != id) {
            b.orders.emplace_back().id = id;
            ids.push_back(id);
        }
        b.orders.back().take(row.get<std::string_view>(1), row.get<pg::bytes>(2).data, row.get<std::string>(3));
    }
    if (ids.empty()) co_return b;
    for (const auto row : co_await s.tx.query(reservations_of, pg::params(ids))) b.reservations.emplace(row.get<uuid>(0), reservation_of(row));
    for (const auto row : co_await s.tx.query(payments_of, pg::params(ids))) b.payments.emplace(row.get<uuid>(0), payment_of(row));
    for (const auto row : co_await s.tx.query(notifications_of, pg::params(ids)))
        b.told[row.get<uuid>(0)].push_back({row.get<std::int16_t>(1), row.get<std::string>(2), row.get<std::string>(3)});
    co_return b;
}

template <class Map>
const typename Map::mapped_type* row_of(const Map& m, const uuid& id) {
    const auto at = m.find(id);
    return at == m.end() ? nullptr : &at->second;
}

void add(finding& to, std::vector<violation> found, std::size_t most) {
    for (auto& v : found) to.add(std::move(v), most);
}

void compare(const snapshot& s, const books& b, const order_book& o, order_findings& to) {
    static const std::vector<told_row> nothing;
    add(to.streams, compare_customers(o), s.most);
    if (s.is_under_way.contains(o.id)) return;
    const auto* told = row_of(b.told, o.id);
    add(to.stock, compare_stock(o, row_of(b.reservations, o.id)), s.most);
    add(to.payments, compare_payment(o, row_of(b.payments, o.id)), s.most);
    add(to.notifications, compare_told(o, told ? *told : nothing), s.most);
    ++to.stock.checked;
    ++to.payments.checked;
    ++to.notifications.checked;
}

constexpr rule reservations_without_order{R"(
    SELECT 'reservation ' || r.order_id, 'an order of this id', 'none'
      FROM inventory.reservations r LEFT JOIN orders.events e ON e.order_id = r.order_id AND e.version = 1
     WHERE e.order_id IS NULL)"};

}  // namespace

task<void> check_orders(const snapshot& s, order_findings to, const std::function<void(std::string_view)>& progress) {
    uuid after{};
    for (std::int64_t seen = 0;;) {
        const auto b = co_await read_batch(s, after);
        if (b.orders.empty()) break;
        for (const auto& o : b.orders) compare(s, b, o, to);
        after = b.orders.back().id;
        seen += std::ssize(b.orders);
        if (progress) progress(fmt::format("{} orders compared with stock, payments and notifications", seen));
    }
    co_await run_rule(s, reservations_without_order, to.stock);
}

}  // namespace bv::verify
