#include "domains/commerce/product/app/batch_get_products.hpp"

#include <string_view>
#include <unordered_set>

namespace bv::product {

task<result<contract::BatchGetProductsResponse>> batch_get_products(const environment& env, contract::BatchGetProductsRequest request) {
    std::vector<std::string> skus;
    std::unordered_set<std::string_view> seen;
    for (const auto& sku : request.skus())
        if (seen.insert(sku).second) skus.push_back(sku);
    contract::BatchGetProductsResponse out;
    for (const auto& found : co_await env.cache.get_many(std::move(skus)))
        if (found) *out.add_products() = *found;
    co_return out;
}

}  // namespace bv::product
