// Takes a product off sale; it stays readable, because orders hold it. Doing it twice changes nothing.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

// NOT_FOUND; ABORTED "ETAG_MISMATCH" when If-Match names another version.
task<result<void>> delete_product(const environment&, rpc::context&, std::string sku);

}  // namespace bv::product
