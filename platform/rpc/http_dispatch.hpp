// One routed HTTP request: context, parameters, call, response. Everything a service knows of HTTP is here.
#pragma once

#include <string>
#include <string_view>

#include "platform/core/task.hpp"
#include "platform/net/http/message.hpp"
#include "platform/rpc/context.hpp"
#include "platform/rpc/router.hpp"

namespace bv::rpc {

// What the edge found out about a request.
struct origin {
    principal caller{};
    telemetry::span_context trace{};
    steady_point deadline = steady_point::max();
    std::string request_id{};
};

// The context of a call: the origin, and Idempotency-Key, If-Match and If-None-Match of the request.
[[nodiscard]] context make_context(const http::request&, origin);

// INVALID_ARGUMENT when Idempotency-Key, If-Match or If-None-Match cannot be what an answer had or a client made.
[[nodiscard]] result<void> check_conditions(const http::request&);

// "a=1&b=x%20y" into parameters, '+' as space; INVALID_ARGUMENT "MALFORMED_QUERY": a malformed escape, a name not in UTF-8.
[[nodiscard]] result<parameters> parse_query(std::string_view);

// Calls the method and renders its answer: 200 with JSON and ETag, 304 when If-None-Match names it, or a problem. Never throws:
// what the service throws is logged and rendered. request must outlive the task.
[[nodiscard]] task<http::response> dispatch(routed, http::request&, origin);

// Finds the route, then dispatch; 404 and 405 (with Allow) as problems.
[[nodiscard]] task<http::response> dispatch(const router&, http::request&, origin);

// What finding a route gave instead of one.
[[nodiscard]] http::response routing_problem(const router&, const http::request&, const error&, const telemetry::span_context&);

}  // namespace bv::rpc
