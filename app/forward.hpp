// Requests outside the contracts' unary methods that the edge passes on to the process that serves them.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "platform/rpc/grpc/stream.hpp"
#include "platform/rpc/peer/peer_channel.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/rpc/stream_route.hpp"

namespace bv::app {

// The raw routes of a role. The channel outlives them.
[[nodiscard]] std::vector<rpc::raw_route> forwarded_routes(std::string_view role, rpc::peer_channel&);
// POST /v1/products:import. The body is held while it is passed on, so one larger than that is refused.
[[nodiscard]] rpc::stream_route forwarded_import(rpc::peer_channel&, std::size_t most_bytes);

// The same over gRPC, message by message: nothing is held.
[[nodiscard]] rpc::grpc::streamed forwarded_import_stream(rpc::peer_channel&);

inline constexpr std::size_t most_forwarded = 64 * 1024 * 1024;

}  // namespace bv::app
