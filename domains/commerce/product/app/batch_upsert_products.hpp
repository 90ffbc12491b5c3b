// Creates or replaces many products in one transaction, for imports: all or none. One event a product that changed.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

// INVALID_ARGUMENT with everything that is wrong in any of them, a SKU given twice too.
task<result<contract::BatchUpsertProductsResponse>> batch_upsert_products(const environment&, rpc::context&, contract::BatchUpsertProductsRequest);

}  // namespace bv::product
