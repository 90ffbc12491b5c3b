// Routes outside the contracts: health, metrics, the API document, traces, and the start page.
#pragma once

#include <string>
#include <vector>

#include "app/modules.hpp"
#include "app/operations/front.hpp"
#include "app/operations/operations.hpp"
#include "platform/rpc/raw_route.hpp"

namespace bv::operations {

// Of this process: /livez, /readyz, /healthz, /metrics. The service outlives them.
[[nodiscard]] std::vector<rpc::raw_route> probes(const service&);
// What a gateway shows besides. All outlive the routes. `server`: the API's base URL in the OpenAPI document, "/" for where the
// document came from.
[[nodiscard]] std::vector<rpc::raw_route> pages(app::modules&, front&, const std::string& server);

}  // namespace bv::operations
