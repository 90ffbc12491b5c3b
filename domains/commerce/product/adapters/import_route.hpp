// POST /v1/products:import, over the use case.
#pragma once

#include "domains/commerce/product/app/environment.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::product {

// The environment outlives the route.
[[nodiscard]] rpc::stream_route import_route(const environment&);

}  // namespace bv::product
