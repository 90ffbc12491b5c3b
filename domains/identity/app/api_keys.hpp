// How an API key is shown.
#pragma once

#include "bitvelocity/identity/v1/identity.pb.h"
#include "domains/identity/model/types.hpp"

namespace bv::identity {

[[nodiscard]] bitvelocity::identity::v1::ApiKey to_contract(const api_key&);

}  // namespace bv::identity
