// POST /v1/products:import and ImportProducts, over the use case.
#pragma once

#include "domains/commerce/product/app/environment.hpp"
#include "platform/rpc/grpc/stream.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::product {

// The environment outlives both.
[[nodiscard]] rpc::stream_route import_route(const environment&);
[[nodiscard]] rpc::grpc::streamed import_stream(const environment&);

}  // namespace bv::product
