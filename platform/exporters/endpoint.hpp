// Where telemetry is sent: "http://collector:4318/v1/traces".
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/net/http/client.hpp"

namespace bv::exporters {

struct endpoint {
    http::client_options peer;
    std::string target;  // with suffix at its end
};

// `url` is scheme, host and, where they are not the scheme's own, port and path; `suffix` is what the protocol adds to it, unless
// it stands there already. INVALID_ARGUMENT "CONFIG_INVALID", which names the setting and shows a URL that would do.
[[nodiscard]] result<endpoint> parse_endpoint(std::string_view setting, std::string_view url, std::string_view suffix, std::string_view example);

}  // namespace bv::exporters
