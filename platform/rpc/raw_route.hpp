// A route outside the contracts: key sets, token endpoints, call-backs, pages.
#pragma once

#include <string>

#include "platform/net/http/server.hpp"

namespace bv::rpc {

// Served as it is; the edge adds security headers, tracing, metrics and limits.
struct raw_route {
    std::string verb;     // "GET"
    std::string path;     // exact: "/.well-known/jwks.json", or all below a folder: "/v1/traces/*"
    http::handler handler;
    std::string scope{};  // what a caller must have; empty: open to all
};

}  // namespace bv::rpc
