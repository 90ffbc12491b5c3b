// A new product. ALREADY_EXISTS when its SKU is taken, INVALID_ARGUMENT.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

task<result<contract::Product>> create_product(const environment&, rpc::context&, contract::Product);

}  // namespace bv::product
