// Routes outside the contracts: health, metrics, the API document, traces, and the start page.
#pragma once

#include <vector>

#include "app/modules.hpp"
#include "app/operations/operations.hpp"
#include "platform/rpc/raw_route.hpp"

namespace bv::operations {

// All outlive the routes.
[[nodiscard]] std::vector<rpc::raw_route> pages(app::modules&, service&);

}  // namespace bv::operations
