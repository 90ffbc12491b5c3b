// grpc.health.v1: whether the server, or one of its services, takes calls.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/rpc/grpc/stream.hpp"

namespace bv::rpc::grpc {

enum class serving : unsigned char { unknown = 0, yes = 1, no = 2, service_unknown = 3 };  // the numbers of the protocol

// Its methods, Check and Watch. `state` is asked with a service's full name, or "" for the server. A watch looks once a second.
[[nodiscard]] std::vector<streamed> health(std::function<serving(std::string_view service)> state, clock&);

}  // namespace bv::rpc::grpc
