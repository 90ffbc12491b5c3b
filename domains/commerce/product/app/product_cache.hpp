// Products in memory, as the contract shows them: what reads by SKU are answered from.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "domains/commerce/product/app/contract.hpp"
#include "domains/commerce/product/app/ports.hpp"
#include "platform/cache/loading_cache.hpp"
#include "platform/events/event.hpp"

namespace bv::product {

// Thread-safe. A change made in this process is seen at once, one of another process when its event arrives, and
// without it at the end of the entry's time.
class product_cache {
public:
    using entry = std::shared_ptr<const contract::Product>;  // never changes

    product_cache(cache::options, clock&, rng&, product_store&);

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
            for (const auto& sku : skus_) cache_.entries_.invalidate(sku);
        }

    private:
        product_cache& cache_;
        std::vector<std::string> skus_;
    };

    // The product service's own events: consumer of every process.
    task<void> handle(storage::unit_of_work&, std::span<const events::event>);

    [[nodiscard]] cache::statistics stats() const { return entries_.stats(); }

private:
    cache::loading_cache<contract::Product> entries_;
};

}  // namespace bv::product
