// bv::error as application/problem+json (RFC 9457): the one form of every HTTP error.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/net/http/message.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::rpc {

// The HTTP status of an error: by its reason where HTTP has a status of its own for it (412, 415, 422, 405…), else by its code.
[[nodiscard]] int problem_status(const error&) noexcept;

// The error as clients may see it: what broke inside, and what a store or a peer says of itself, is for the log.
[[nodiscard]] error shown(const error&);

// {"type":"urn:bitvelocity:problem:out-of-stock","title":"Out of stock","status":400,"detail":…,"reason":"OUT_OF_STOCK",
//  "violations":[{"field":…,"description":…}],"trace_id":…}; Retry-After and WWW-Authenticate where they apply.
// What broke inside is not shown: the detail of a 500 is general, the trace id leads to the log.
[[nodiscard]] http::response problem_response(const error&, const telemetry::span_context& = {});

// For what fails before there is an error of the platform: malformed requests and limits of the HTTP server.
[[nodiscard]] http::response problem_response(int status, std::string_view detail, const telemetry::span_context& = {});

}  // namespace bv::rpc
