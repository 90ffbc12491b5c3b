// Routes outside the contracts: health, metrics, the API document, traces, and the start page.
#pragma once

#include <string>
#include <vector>

#include "app/modules.hpp"
#include "app/operations/operations.hpp"
#include "platform/rpc/raw_route.hpp"

namespace bv::operations {

// All outlive the routes. `server`: the API's base URL in the OpenAPI document, "/" for where the document came from.
[[nodiscard]] std::vector<rpc::raw_route> pages(app::modules&, service&, const std::string& server);

}  // namespace bv::operations
