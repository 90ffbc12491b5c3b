// grpc.reflection.v1 and v1alpha: what a server offers, told to tools such as grpcurl. From the descriptors in the binary.
#pragma once

#include <string>
#include <vector>

#include "platform/rpc/grpc/stream.hpp"

namespace bv::rpc::grpc {

// Its methods, to be added to what serves the named services. `names` is asked when a client lists them.
[[nodiscard]] std::vector<streamed> reflection(std::function<std::vector<std::string>()> names);

// The answer to one ServerReflectionRequest, serialized as it. INVALID_ARGUMENT "MALFORMED_MESSAGE".
[[nodiscard]] result<std::string> reflect(std::string_view request, const std::vector<std::string>& names);

}  // namespace bv::rpc::grpc
