#include "domains/commerce/product/adapters/list_statement.hpp"

#include <array>
#include <string>

#include <fmt/format.h>

#include "domains/commerce/product/app/ports.hpp"

namespace bv::product {

namespace {

constexpr std::string_view columns = "p.sku, p.name, p.description, p.category, p.prices::text, p.on_sale, p.version, p.created_at, p.updated_at";

// price_points repeats the SKU's bound, which the planner does not infer through the join.
std::string source(list_shape s) {
    return s.price ? "product.products p JOIN product.price_points c ON c.sku = p.sku" : "product.products p";
}
std::string condition(list_shape s) {
    std::string out = "(p.on_sale OR $3::boolean)";
    if (s.category) out += " AND p.category = $4::text";
    if (s.price) out += " AND c.currency = $5::text AND c.minor_units BETWEEN $6::bigint AND $7::bigint";
    return out;
}

std::string by_sku(list_shape s) {
    return fmt::format(R"(
    SELECT {0}, 0::bigint AS rank
      FROM {1}
     WHERE p.sku > $1::text {2} AND {3}
     ORDER BY p.sku
     LIMIT $2::bigint)", columns, source(s), s.price ? "AND c.sku > $1::text" : "", condition(s));
}

// A rank is a whole number, so that a page token carries it exactly. It depends on the product and the query alone: the
// order is the same for every page. The products themselves are fetched for the page only.
std::string by_rank(list_shape s) {
    return fmt::format(R"(
      WITH matches AS (
           SELECT p.sku, (ts_rank(p.search, websearch_to_tsquery('pg_catalog.english', $8)) * 1000000)::bigint AS rank
             FROM {1}
            WHERE p.search @@ websearch_to_tsquery('pg_catalog.english', $8) AND {2}
            ORDER BY p.sku
            LIMIT {3}),
           page AS (
           SELECT sku, rank
             FROM matches
            WHERE $9::bigint IS NULL OR rank < $9 OR (rank = $9 AND sku > $1::text)
            ORDER BY rank DESC, sku
            LIMIT $2::bigint)
    SELECT {0}, m.rank
      FROM page m JOIN product.products p ON p.sku = m.sku
     ORDER BY m.rank DESC, m.sku)", columns, source(s), condition(s), product_store::max_ranked);
}

struct named_text {
    std::string name, sql;
};

std::array<named_text, 8> all() {
    std::array<named_text, 8> out;
    for (unsigned i = 0; i < out.size(); ++i) {
        const list_shape s{.category = (i & 1) != 0, .price = (i & 2) != 0, .query = (i & 4) != 0};
        out[i].name = std::string("product.list") + (s.category ? "_category" : "") + (s.price ? "_price" : "") + (s.query ? "_ranked" : "");
        out[i].sql = s.query ? by_rank(s) : by_sku(s);
    }
    return out;
}

}  // namespace

pg::statement list_statement(list_shape s) {
    static const auto statements = all();
    const auto& found = statements[(s.category ? 1u : 0u) | (s.price ? 2u : 0u) | (s.query ? 4u : 0u)];
    return {found.name, found.sql};
}

}  // namespace bv::product
