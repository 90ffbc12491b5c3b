// The contract's service, implemented by the use cases.
#pragma once

#include "bitvelocity/commerce/product/v1/product.bv.hpp"
#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

class api final : public contract::product_service {
public:
    explicit api(environment env) : env_(env) {}

    task<result<contract::Product>> get_product(rpc::context&, contract::GetProductRequest) override;
    task<result<contract::ListProductsResponse>> list_products(rpc::context&, contract::ListProductsRequest) override;
    task<result<contract::BatchGetProductsResponse>> batch_get_products(rpc::context&, contract::BatchGetProductsRequest) override;
    task<result<contract::Product>> create_product(rpc::context&, contract::CreateProductRequest) override;
    task<result<contract::Product>> update_product(rpc::context&, contract::UpdateProductRequest) override;
    task<result<google::protobuf::Empty>> delete_product(rpc::context&, contract::DeleteProductRequest) override;
    task<result<contract::BatchUpsertProductsResponse>> batch_upsert_products(rpc::context&, contract::BatchUpsertProductsRequest) override;
    task<result<contract::ListCategoriesResponse>> list_categories(rpc::context&, contract::ListCategoriesRequest) override;

private:
    environment env_;
};

}  // namespace bv::product
