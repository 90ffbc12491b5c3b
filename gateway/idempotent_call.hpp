// A method called under an Idempotency-Key: the first answer is kept and given to every repeat.
#pragma once

#include "platform/net/http/message.hpp"
#include "platform/resilience/idempotency.hpp"
#include "platform/rpc/http_dispatch.hpp"

namespace bv::gateway {

// Answers of 5xx, 429 and 409 are not kept: they say nothing about the request, so a repeat runs it again.
// Anonymous callers are told apart by their address. request must outlive the task.
task<http::response> call_once(resilience::idempotency_store&, rpc::routed, http::request&, rpc::origin);

}  // namespace bv::gateway
