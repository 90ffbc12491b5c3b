// Where clients reach the platform, when that is not where it listens: behind a proxy, or under a name that outlives a port.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"

namespace bv::stack {

// The setting http.public_url in the form in which tokens and documents have it: "https://shop.example:8443", lower case, without
// a '/' at its end. INVALID_ARGUMENT "CONFIG_INVALID" for what is no such URL: the platform's pages begin at the root, so it has no path.
[[nodiscard]] result<std::string> parse_public_url(std::string_view given);

}  // namespace bv::stack
