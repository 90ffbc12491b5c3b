#include "domains/commerce/product/adapters/postgres_product_store.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "domains/commerce/product/adapters/list_statement.hpp"

namespace bv::product {

namespace {

constexpr pg::statement find_sql{"product.find", R"(
    SELECT sku, name, description, category, prices::text, on_sale, version, created_at, updated_at
      FROM product.products
     WHERE sku = ANY($1::text[]))"};

constexpr pg::statement lock_sql{"product.lock", R"(
    SELECT sku, name, description, category, prices::text, on_sale, version, created_at, updated_at
      FROM product.products
     WHERE sku = ANY($1::text[])
     ORDER BY sku
       FOR UPDATE)"};

constexpr pg::statement insert_sql{"product.insert", R"(
    INSERT INTO product.products (sku, name, description, category, prices, on_sale, version, created_at, updated_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::bigint[],
                         $8::timestamptz[], $9::timestamptz[]) AS n(sku)
     ORDER BY n.sku COLLATE "C"
        ON CONFLICT (sku) DO NOTHING
    RETURNING sku)"};

// Of locked rows, one version later: a row that is not was changed behind the lock's back.
constexpr pg::statement update_sql{"product.update", R"(
    UPDATE product.products p
       SET name = n.name, description = n.description, category = n.category, prices = n.prices, on_sale = n.on_sale,
           version = n.version, updated_at = n.updated_at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::bigint[], $8::timestamptz[])
           AS n(sku, name, description, category, prices, on_sale, version, updated_at)
     WHERE p.sku = n.sku AND p.version = n.version - 1)"};

constexpr pg::statement drop_price_points_sql{"product.drop_price_points", R"(
    DELETE FROM product.price_points WHERE sku = ANY($1::text[]))"};

constexpr pg::statement add_price_points_sql{"product.add_price_points", R"(
    INSERT INTO product.price_points (sku, currency, minor_units)
    SELECT p.sku, e.key, e.value::bigint
      FROM product.products p, jsonb_each_text(p.prices) AS e
     WHERE p.sku = ANY($1::text[]))"};

constexpr pg::statement categories_sql{"product.categories", R"(
    SELECT category, count(*)
      FROM product.products
     WHERE category > '' AND on_sale
     GROUP BY category
     ORDER BY category)"};

pg::json to_json(const std::vector<money>& prices) {
    std::string out = "{";
    for (const auto& p : prices) fmt::format_to(std::back_inserter(out), "{}\"{}\":{}", out.size() > 1 ? "," : "", p.currency.code(), p.minor);
    return {out + "}"};
}

// Sorted: jsonb keeps keys of one length in the order of their bytes.
std::vector<money> to_prices(std::string_view text) {
    std::vector<money> out;
    for (const auto& [code, minor] : boost::json::parse(text).as_object()) {
        const auto currency = currency::parse(code);
        if (!currency) throw failure(code::data_loss, "UNKNOWN_CURRENCY", "product.products has a price in " + std::string(code) + ", which this release does not know");
        out.push_back({minor.to_number<std::int64_t>(), *currency});
    }
    return out;
}

product product_of(pg::row row) {
    return {row.get<std::string>(0),
            {row.get<std::string>(1), row.get<std::string>(2), row.get<std::string>(3), to_prices(row.get<std::string_view>(4)), row.get<bool>(5)},
            row.get<std::int64_t>(6), row.get<time_point>(7), row.get<time_point>(8)};
}

std::vector<product> products_of(const pg::rows& rows) {
    std::vector<product> out;
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto row : rows) out.push_back(product_of(row));
    return out;
}

// Products as arrays, one a column.
struct columns {
    explicit columns(std::vector<product> products) {
        for (auto& p : products) {
            prices.push_back(to_json(p.is.prices));
            skus.push_back(std::move(p.sku));
            names.push_back(std::move(p.is.name));
            descriptions.push_back(std::move(p.is.description));
            categories.push_back(std::move(p.is.category));
            on_sale.push_back(p.is.on_sale);
            versions.push_back(p.version);
            created.push_back(p.created_at);
            updated.push_back(p.updated_at);
        }
    }
    std::vector<std::string> skus, names, descriptions, categories;
    std::vector<pg::json> prices;
    std::vector<bool> on_sale;
    std::vector<std::int64_t> versions;
    std::vector<time_point> created, updated;
};

}  // namespace

task<std::vector<product>> postgres_product_store::find(std::vector<std::string> skus) {
    const auto rows = co_await db_.query(find_sql, pg::params(skus));
    co_return products_of(rows);
}

task<std::vector<listed>> postgres_product_store::list(filter f, position after, int limit) {
    const auto statement = list_statement({.category = !f.category.empty(), .price = f.currency.has_value(), .query = !f.query.empty()});
    const auto currency = f.currency ? f.currency->code() : std::string_view{};
    const auto rows = co_await db_.query(statement, pg::params(after.sku, static_cast<std::int64_t>(limit), f.include_off_sale, f.category, currency,
                                                               f.min_price, f.max_price, f.query, after.rank));
    std::vector<listed> out;
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto row : rows) out.push_back({product_of(row), row.get<std::int64_t>(9)});
    co_return out;
}

task<std::vector<category_count>> postgres_product_store::categories() {
    const auto rows = co_await db_.query(categories_sql);
    std::vector<category_count> out;
    for (const auto row : rows) out.push_back({row.get<std::string>(0), row.get<std::int64_t>(1)});
    co_return out;
}

task<std::vector<product>> postgres_product_store::lock(storage::unit_of_work& uow, std::vector<std::string> skus) {
    const auto rows = co_await pg::of(uow).query(lock_sql, pg::params(skus));
    co_return products_of(rows);
}

task<std::vector<std::string>> postgres_product_store::insert(storage::unit_of_work& uow, std::vector<product> products) {
    const columns c(std::move(products));
    auto& tx = pg::of(uow);
    const auto rows = co_await tx.query(
        insert_sql, pg::params(c.skus, c.names, c.descriptions, c.categories, c.prices, c.on_sale, c.versions, c.created, c.updated));
    std::vector<std::string> added;
    for (const auto row : rows) added.push_back(row.get<std::string>(0));
    if (!added.empty()) tx.send(add_price_points_sql, pg::params(added));
    co_return added;
}

task<void> postgres_product_store::update(storage::unit_of_work& uow, std::vector<product> products) {
    const columns c(std::move(products));
    auto& tx = pg::of(uow);
    tx.send(drop_price_points_sql, pg::params(c.skus));
    const auto done = co_await tx.query(update_sql, pg::params(c.skus, c.names, c.descriptions, c.categories, c.prices, c.on_sale, c.versions, c.updated));
    if (done.affected() != static_cast<std::int64_t>(c.skus.size()))
        throw failure(code::internal, "PRODUCT_NOT_LOCKED", "an update met a product of another version than the one that was locked");
    tx.send(add_price_points_sql, pg::params(c.skus));
}

}  // namespace bv::product
