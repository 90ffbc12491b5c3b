// One product, also when it is off sale. NOT_FOUND. Sets the context's ETag.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

task<result<contract::Product>> get_product(const environment&, rpc::context&, std::string sku);

}  // namespace bv::product
