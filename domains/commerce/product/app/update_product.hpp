// Changes the fields of a product that the update mask names. What does not differ is no change: no event, same version.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

// NOT_FOUND; ABORTED "ETAG_MISMATCH" when If-Match names another version; INVALID_ARGUMENT.
task<result<contract::Product>> update_product(const environment&, rpc::context&, contract::UpdateProductRequest);

}  // namespace bv::product
