// The catalogue in pages: by SKU, or with a query the best matches first.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

// INVALID_ARGUMENT; PERMISSION_DENIED when products off sale are asked for without products.write.
task<result<contract::ListProductsResponse>> list_products(const environment&, rpc::context&, contract::ListProductsRequest);

}  // namespace bv::product
