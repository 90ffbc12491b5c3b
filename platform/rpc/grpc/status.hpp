// bv::error as a gRPC status with google.rpc.Status in its details (ErrorInfo, BadRequest, RetryInfo), and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/net/http/message.hpp"

namespace bv::rpc::grpc {

// Serialized google.rpc.Status. Reads what others wrote, too: unknown details are passed over. nullopt: malformed.
[[nodiscard]] std::string encode_status(const error&);
[[nodiscard]] std::optional<error> decode_status(std::string_view);

// grpc-status, and for an error grpc-message and grpc-status-details-bin.
[[nodiscard]] http::fields ok_trailers();
void add_status(http::fields&, const error&);
// An answer that consists of its status ("trailers-only").
[[nodiscard]] http::response refusal(const error&);
// Of the server itself, whose errors are HTTP's: a body that is too large is RESOURCE_EXHAUSTED.
[[nodiscard]] http::response refusal(int http_status, std::string_view detail);

// What an answer's fields say: nullopt, the call went well. Without grpc-status: INTERNAL, or what the HTTP status stands for.
[[nodiscard]] std::optional<error> status_of(const http::fields&, int http_status);

}  // namespace bv::rpc::grpc
