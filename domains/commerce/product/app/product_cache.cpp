#include "domains/commerce/product/app/product_cache.hpp"

#include <string_view>
#include <unordered_map>

namespace bv::product {

namespace {

task<std::vector<product_cache::entry>> load(product_store* store, std::vector<std::string> skus) {
    const auto found = co_await store->find(skus);
    std::unordered_map<std::string_view, const product*> by_sku;
    for (const auto& p : found) by_sku.emplace(p.sku, &p);
    std::vector<product_cache::entry> out;
    out.reserve(skus.size());
    for (const auto& sku : skus) {
        const auto at = by_sku.find(sku);
        out.push_back(at == by_sku.end() ? nullptr : std::make_shared<const contract::Product>(to_message(*at->second)));
    }
    co_return out;
}

}  // namespace

product_cache::product_cache(cache::options o, clock& c, rng& r, product_store& store)
    : entries_(
          std::move(o), c, r, [s = &store](std::vector<std::string> skus) { return load(s, std::move(skus)); },
          [](const contract::Product& p) { return static_cast<std::size_t>(p.SpaceUsedLong()); }) {}

}  // namespace bv::product
