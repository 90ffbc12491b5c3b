#include "domains/commerce/product/adapters/api.hpp"

#include "domains/commerce/product/app/batch_get_products.hpp"
#include "domains/commerce/product/app/batch_upsert_products.hpp"
#include "domains/commerce/product/app/create_product.hpp"
#include "domains/commerce/product/app/delete_product.hpp"
#include "domains/commerce/product/app/get_product.hpp"
#include "domains/commerce/product/app/list_categories.hpp"
#include "domains/commerce/product/app/list_products.hpp"
#include "domains/commerce/product/app/update_product.hpp"

namespace bv::product {

task<result<contract::Product>> api::get_product(rpc::context& ctx, contract::GetProductRequest request) {
    co_return co_await bv::product::get_product(env_, ctx, request.sku());
}

task<result<contract::ListProductsResponse>> api::list_products(rpc::context& ctx, contract::ListProductsRequest request) {
    co_return co_await bv::product::list_products(env_, ctx, std::move(request));
}

task<result<contract::BatchGetProductsResponse>> api::batch_get_products(rpc::context&, contract::BatchGetProductsRequest request) {
    co_return co_await bv::product::batch_get_products(env_, std::move(request));
}

task<result<contract::Product>> api::create_product(rpc::context& ctx, contract::CreateProductRequest request) {
    co_return co_await bv::product::create_product(env_, ctx, std::move(*request.mutable_product()));
}

task<result<contract::Product>> api::update_product(rpc::context& ctx, contract::UpdateProductRequest request) {
    co_return co_await bv::product::update_product(env_, ctx, std::move(request));
}

task<result<google::protobuf::Empty>> api::delete_product(rpc::context& ctx, contract::DeleteProductRequest request) {
    const auto done = co_await bv::product::delete_product(env_, ctx, request.sku());
    if (!done) co_return std::unexpected(done.error());
    co_return google::protobuf::Empty{};
}

task<result<contract::BatchUpsertProductsResponse>> api::batch_upsert_products(rpc::context& ctx, contract::BatchUpsertProductsRequest request) {
    co_return co_await bv::product::batch_upsert_products(env_, ctx, std::move(request));
}

task<result<contract::ListCategoriesResponse>> api::list_categories(rpc::context&, contract::ListCategoriesRequest) {
    co_return co_await bv::product::list_categories(env_);
}

}  // namespace bv::product
