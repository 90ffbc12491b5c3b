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

std::string encode(const contract::Product& p) { return p.SerializeAsString(); }

product_cache::entry decode(std::string_view bytes) {
    auto out = std::make_shared<contract::Product>();
    if (!out->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return nullptr;
    return out;
}

}  // namespace

// The second level first: what misses in memory from now on must not find the old one there.
void product_cache::forget(std::string_view sku) {
    if (second_) second_->invalidate(sku);
    entries_.invalidate(sku);
}

void product_cache::changed_elsewhere(std::string_view sku, std::int64_t position) {
    if (second_) second_->drop(sku, position);
    entries_.invalidate(sku);
}

product_cache::product_cache(cache::options o, clock& c, rng& r, product_store& store, cache::second_level* second)
    : second_(second),
      entries_(
          std::move(o), c, r,
          cache::behind<contract::Product>(second, [s = &store](std::vector<std::string> skus) { return load(s, std::move(skus)); }, {encode, decode}),
          [](const contract::Product& p) { return static_cast<std::size_t>(p.SpaceUsedLong()); }) {
    if (second_) second_->watch({[this](std::string_view sku) { entries_.invalidate(sku); }, [this] { entries_.clear(); }});
}

}  // namespace bv::product
