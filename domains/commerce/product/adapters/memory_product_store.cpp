#include "domains/commerce/product/adapters/memory_product_store.hpp"

#include <algorithm>
#include <map>

#include "platform/core/error.hpp"

namespace bv::product {
namespace {

bool matches(const filter& f, const product& p) {
    if (!f.include_off_sale && !p.is.on_sale) return false;
    if (!f.category.empty() && p.is.category != f.category) return false;
    return !f.currency || std::ranges::any_of(p.is.prices, [&](const money& m) {
        return m.currency == *f.currency && m.minor >= f.min_price && m.minor <= f.max_price;
    });
}

}  // namespace

task<std::vector<product>> memory_product_store::find_in(storage::unit_of_work& uow, std::vector<std::string> skus) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<product> out;
    for (const auto& sku : skus)
        if (const auto* p = tables_.products.find(tx, sku)) out.push_back(*p);
    co_return out;
}

task<std::vector<listed>> memory_product_store::list_in(storage::unit_of_work& uow, filter f, position after, int limit) {
    if (!f.query.empty()) throw failure(code::unimplemented, "NO_FULL_TEXT", "this store has no full-text search");
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::vector<listed> out;
    tables_.products.scan_after(tx, after.sku, [&](const std::string&, const product& p) {
        if (matches(f, p)) out.push_back({p, 0});
        return std::ssize(out) < limit;
    });
    co_return out;
}

task<std::vector<category_count>> memory_product_store::categories_in(storage::unit_of_work& uow) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::map<std::string, std::int64_t> counts;
    tables_.products.scan(tx, [&](const std::string&, const product& p) {
        if (p.is.on_sale && !p.is.category.empty()) ++counts[p.is.category];
    });
    std::vector<category_count> out;
    for (const auto& [category, n] : counts) out.push_back({category, n});
    co_return out;
}

task<std::vector<product>> memory_product_store::find(std::vector<std::string> skus) {
    co_return co_await db_.transact({}, [&](storage::unit_of_work& uow) { return find_in(uow, skus); });
}

task<std::vector<listed>> memory_product_store::list(filter f, position after, int limit) {
    co_return co_await db_.transact({}, [&](storage::unit_of_work& uow) { return list_in(uow, f, after, limit); });
}

task<std::vector<category_count>> memory_product_store::categories() {
    co_return co_await db_.transact({}, [&](storage::unit_of_work& uow) { return categories_in(uow); });
}

task<std::vector<product>> memory_product_store::lock(storage::unit_of_work& uow, std::vector<std::string> skus) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(skus);
    std::vector<product> out;
    for (const auto& sku : skus)
        if (const auto* p = co_await tables_.products.lock(tx, sku)) out.push_back(*p);
    co_return out;
}

task<std::vector<std::string>> memory_product_store::insert(storage::unit_of_work& uow, std::vector<product> products) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    std::ranges::sort(products, {}, &product::sku);
    std::vector<std::string> added;
    for (const auto& p : products)
        if (co_await tables_.products.insert(tx, p.sku, p)) added.push_back(p.sku);
    co_return added;
}

task<void> memory_product_store::update(storage::unit_of_work& uow, std::vector<product> products) {
    auto& tx = memory::of(uow);
    co_await tx.statement();
    for (const auto& p : products) {
        const auto* at = co_await tables_.products.lock(tx, p.sku);
        if (!at || at->version != p.version - 1)
            throw failure(code::internal, "PRODUCT_NOT_LOCKED", "an update met a product of another version than the one that was locked");
        tables_.products.put(tx, p.sku, p);
    }
}

}  // namespace bv::product
