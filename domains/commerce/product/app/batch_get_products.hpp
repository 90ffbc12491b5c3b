// Several products at once, in the order asked for, each once; unknown SKUs are left out, ones off sale are not.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

task<result<contract::BatchGetProductsResponse>> batch_get_products(const environment&, contract::BatchGetProductsRequest);

}  // namespace bv::product
