#include "domains/commerce/product/adapters/import_route.hpp"

#include "bitvelocity/commerce/product/v1/import.bv.hpp"
#include "domains/commerce/product/app/import_products.hpp"
#include "platform/rpc/grpc/typed_stream.hpp"

namespace bv::product {

rpc::stream_route import_route(const environment& env) {
    return rpc::serve_stream<contract::ImportProductsRequest, contract::ImportProductsResponse>(
        contract::import_products_method(), contract::import_products_message,
        [&env](rpc::context& ctx, rpc::message_stream<contract::ImportProductsRequest>& lines) { return import_products(env, ctx, lines); });
}

rpc::grpc::streamed import_stream(const environment& env) {
    return rpc::grpc::serve_requests<contract::ImportProductsRequest, contract::ImportProductsResponse>(
        contract::import_products_method(), contract::import_products_parsed,
        [&env](rpc::context& ctx, rpc::message_stream<contract::ImportProductsRequest>& all) { return import_products(env, ctx, all); });
}

}  // namespace bv::product
