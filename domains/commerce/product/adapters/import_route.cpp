#include "domains/commerce/product/adapters/import_route.hpp"

#include "bitvelocity/commerce/product/v1/import.bv.hpp"
#include "domains/commerce/product/app/import_products.hpp"

namespace bv::product {

rpc::stream_route import_route(const environment& env) {
    return rpc::serve_stream<contract::ImportProductsRequest, contract::ImportProductsResponse>(
        contract::import_products_method(), contract::import_products_message,
        [&env](rpc::context& ctx, rpc::message_stream<contract::ImportProductsRequest>& lines) { return import_products(env, ctx, lines); });
}

}  // namespace bv::product
