// Creates or replaces any number of products as they arrive: in batches, each a transaction of its own.
#pragma once

#include "bitvelocity/commerce/product/v1/import.pb.h"
#include "domains/commerce/product/app/environment.hpp"
#include "platform/rpc/message_stream.hpp"

namespace bv::product {

// Refused lines are told in the answer and cost the others nothing. An error: the stream broke; what came before it is stored.
task<result<bitvelocity::commerce::product::v1::ImportProductsResponse>> import_products(
    const environment&, rpc::context&, rpc::message_stream<bitvelocity::commerce::product::v1::ImportProductsRequest>&);

}  // namespace bv::product
