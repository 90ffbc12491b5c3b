// How the context of a plain request between processes stands in its headers.
#pragma once

#include <string_view>

#include "platform/net/http/message.hpp"
#include "platform/rpc/context.hpp"

namespace bv::rpc::wire {

// All of a context but its caller, which the credential carries. An absolute deadline travels as the time that is left.
void put_context(http::fields&, const context&, const telemetry::span_context&, steady_point now);
[[nodiscard]] context take_context(const http::request&, principal, steady_point now);

// Of a request that is passed on: whose it was at the edge.
void put_address(http::fields&, std::string_view remote_address);
void take_address(http::request&);

}  // namespace bv::rpc::wire
