// POST /v1/payments:providerCallback: the provider says which operations have moved. It is believed only so far as to
// ask it at once about those that are in doubt, so what comes twice, late or in any order does no harm.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/rpc/raw_route.hpp"

namespace bv::payment {

// secret: of the signature; hurry is called with the keys, on the request's thread. 204, 401 for a bad signature, 400
// for a body that is none of the provider's.
[[nodiscard]] rpc::raw_route provider_callback(std::string secret, clock&, std::function<void(std::vector<std::string>)> hurry);

}  // namespace bv::payment
