// stock.conserved: the levels are the sums of what came in and of what is reserved and sold.
#include "verify/checks.hpp"

namespace bv::verify {
namespace {

constexpr census levels_census{"SELECT count(*) FROM inventory.stock"};

constexpr rule levels{R"(
    WITH folded AS (
        SELECT l.sku, coalesce(sum(l.quantity) FILTER (WHERE r.status = 1), 0) AS reserved,
               coalesce(sum(l.quantity - coalesce(l.returned, 0)) FILTER (WHERE r.status = 2), 0) AS sold
          FROM inventory.reservations r, unnest(r.skus, r.quantities, r.returned) AS l(sku, quantity, returned)
         GROUP BY l.sku),
    came AS (SELECT sku, sum(quantity) AS received FROM inventory.receipts GROUP BY sku),
    both_sides AS (
        SELECT sku, s.received, s.reserved, s.sold, s.available,
               coalesce(c.received, 0) AS all_received, coalesce(f.reserved, 0) AS all_reserved, coalesce(f.sold, 0) AS all_sold
          FROM inventory.stock s FULL JOIN came c USING (sku) FULL JOIN folded f USING (sku))
    SELECT sku, format('received %s, reserved %s, sold %s, available %s', all_received, all_reserved, all_sold, all_received - all_reserved - all_sold)
                || CASE WHEN all_received - all_reserved - all_sold < 0 THEN ', which must not be negative' ELSE '' END,
           CASE WHEN received IS NULL THEN 'no stock row'
                ELSE format('received %s, reserved %s, sold %s, available %s', received, reserved, sold, available) END
      FROM both_sides
     WHERE (coalesce(received, 0), coalesce(reserved, 0), coalesce(sold, 0)) IS DISTINCT FROM (all_received, all_reserved, all_sold)
        OR coalesce(available, 0) <> all_received - all_reserved - all_sold
        OR coalesce(available, 0) < 0)"};

constexpr rule lines{R"(
    SELECT DISTINCT ON (r.order_id) 'reservation ' || r.order_id, 'a quantity above 0 of which between 0 and all is returned, one line a SKU',
           format('%s: quantity %s, returned %s%s', coalesce(l.sku, '(none)'), coalesce(l.quantity::text, '(none)'), coalesce(l.returned::text, '(none)'),
                  CASE WHEN l.repeats > 1 THEN ', ' || l.repeats || ' lines' ELSE '' END)
      FROM inventory.reservations r,
           LATERAL (SELECT *, count(*) OVER (PARTITION BY u.sku) AS repeats FROM unnest(r.skus, r.quantities, r.returned) AS u(sku, quantity, returned)) l
     WHERE (l.sku IS NOT NULL AND l.quantity > 0 AND l.returned BETWEEN 0 AND l.quantity AND l.repeats = 1) IS NOT TRUE
     ORDER BY r.order_id, l.sku)"};

}  // namespace

task<void> check_stock(const snapshot& s, finding& f) {
    co_await count(s, levels_census, f);
    co_await run_rule(s, levels, f);
    co_await run_rule(s, lines, f);
}

}  // namespace bv::verify
