#include "domains/commerce/product/app/get_product.hpp"

namespace bv::product {

task<result<contract::Product>> get_product(const environment& env, rpc::context& ctx, std::string sku) {
    const auto found = co_await env.cache.get(sku);
    if (!found) co_return no_product(sku);
    ctx.etag = found->etag();
    co_return *found;
}

}  // namespace bv::product
