// Products in memory, as the contract shows them: what reads by SKU are answered from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domains/commerce/product/app/contract.hpp"
#include "domains/commerce/product/app/ports.hpp"
#include "platform/cache/leveled.hpp"

namespace bv::product {

// Thread-safe. A change made in this process is seen at once, one of another process when its event is read, which is some
// milliseconds after its commit. Behind a second level products are kept as the contract's messages.
class product_cache {
public:
    using entry = std::shared_ptr<const contract::Product>;  // never changes

    // second may be null; it outlives this.
    product_cache(cache::options, clock&, rng&, product_store&, cache::second_level* second = nullptr);

    // Null: there is no such product.
    task<entry> get(std::string sku) { return entries_.get(std::move(sku)); }
    // One a SKU, in their order.
    task<std::vector<entry>> get_many(std::vector<std::string> skus) { return entries_.get_many(std::move(skus)); }

    // Drops what a writer changes when it ends, whichever way: also a commit whose answer was lost may have happened.
    class invalidation {
    public:
        invalidation(product_cache& c, std::vector<std::string> skus) : cache_(c), skus_(std::move(skus)) {}
        invalidation(const invalidation&) = delete;
        invalidation& operator=(const invalidation&) = delete;
        ~invalidation() {
            for (const auto& sku : skus_) cache_.forget(sku);
        }

    private:
        product_cache& cache_;
        std::vector<std::string> skus_;
    };

    // What the product service's own events say, in every process; `position` is the event's.
    void changed_elsewhere(std::string_view sku, std::int64_t position);
    // Changes may have been missed.
    void forget_all() { entries_.clear(); }

    [[nodiscard]] cache::statistics stats() const { return entries_.stats(); }

private:
    void forget(std::string_view sku);

    cache::second_level* second_;
    cache::loading_cache<contract::Product> entries_;
};

}  // namespace bv::product
