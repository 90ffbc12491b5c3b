#include "domains/identity/adapters/oauth_request.hpp"

#include "platform/testing/fuzz.hpp"

// The first line is the Authorization header, the rest the form.
BV_FUZZ(oauth_request) {
    const auto line = bytes.substr(0, bytes.find('\n'));
    bv::http::request request;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    if (!line.empty()) request.headers.add("Authorization", line);
    request.body = bytes.substr(std::min(bytes.size(), line.size() + 1));
    const auto parsed = bv::identity::parse_oauth_request(request);
    if (!parsed) {
        BV_ASSERT(!parsed.error().empty());
        return;
    }
    for (const auto& scope : parsed->scopes()) BV_ASSERT(!scope.empty() && scope.find(' ') == std::string::npos);
}
