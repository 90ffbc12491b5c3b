// How a call between processes stands in an HTTP exchange.
#pragma once

#include <string_view>

#include "platform/core/error.hpp"
#include "platform/net/http/client.hpp"
#include "platform/net/http/message.hpp"
#include "platform/rpc/context.hpp"

namespace bv::rpc::wire {

inline constexpr std::string_view call_prefix = "/internal/call/";  // then "service/method"
inline constexpr const char* message_type = "application/x-protobuf";
inline constexpr std::string_view etag = "BV-ETag";

// All of a context but its caller, which the credential carries. An absolute deadline travels as the time that is left.
void put_context(http::fields&, const context&, const telemetry::span_context&, steady_point now);
[[nodiscard]] context take_context(const http::request&, principal, steady_point now);

// Of a request that is passed on: whose it was at the edge.
void put_address(http::fields&, std::string_view remote_address);
void take_address(http::request&);

[[nodiscard]] http::response error_response(const error&);
// Of an answer that is none of ours: UNAVAILABLE "SERVICE_UNAVAILABLE" naming its status.
[[nodiscard]] error error_of(const http::client_response&);

}  // namespace bv::rpc::wire
