// Reads a request to the token endpoint (RFC 6749 sections 2.3.1, 3.2, 4.4.2 and 6).
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "platform/net/http/message.hpp"

namespace bv::identity {

struct oauth_request {
    std::string grant_type, client_id, client_secret, refresh_token, scope;
    bool by_header = false;  // the client authenticated by HTTP Basic
    [[nodiscard]] std::vector<std::string> scopes() const;
};

// The error is the description of "invalid_request". Parameters that are not known are passed over; one sent twice, or
// credentials both in the header and in the form, are refused.
[[nodiscard]] std::expected<oauth_request, std::string> parse_oauth_request(const http::request&);

}  // namespace bv::identity
