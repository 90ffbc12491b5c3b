// What a gateway says of its load to clients that weigh gateways against each other (platform/rpc/grpc/load_report.hpp).
#pragma once

#include "platform/net/http/server.hpp"
#include "platform/rpc/grpc/load_report.hpp"
#include "platform/runtime/process_load.hpp"

namespace bv::operations {

// Counts what the handler answers, and adds the report to the trailers of gRPC answers that are no streams. The load outlives it.
[[nodiscard]] http::handler reporting(http::handler, process_load&);
[[nodiscard]] rpc::grpc::load_report report_of(process_load&);

}  // namespace bv::operations
