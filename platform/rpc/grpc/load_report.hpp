// How loaded a server is, as it tells clients that weigh servers against each other (ORCA: gRFC A51, xds.data.orca.v3): in the trailers of a
// call, and on a stream of their own.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/rpc/grpc/stream.hpp"

namespace bv::rpc::grpc {

// xds.data.orca.v3.OrcaLoadReport. Shares of what there is, from 0; above 1 more is asked than there is.
struct load_report {
    double cpu = 0, memory = 0, application = 0;
    double calls_per_second = 0, failures_per_second = 0;
    std::map<std::string, double> request_cost{};  // of the one call, in units of their own
    std::map<std::string, double> utilization{};   // of further resources
    std::map<std::string, double> named{};
    friend bool operator==(const load_report&, const load_report&) = default;
};

// The trailer of a call that has the report, in base64.
inline constexpr std::string_view load_trailer = "endpoint-load-metrics-bin";

[[nodiscard]] std::string encode(const load_report&);
// nullopt: these bytes are no such report.
[[nodiscard]] std::optional<load_report> decode_load_report(std::string_view);

// xds.service.orca.v3.OpenRcaService: a report at once, and again as often as the client asks, but each second at most.
[[nodiscard]] streamed load_reports(std::function<load_report()> now, clock&);
// Its request, for a client: how often.
[[nodiscard]] std::string encode_load_request(milliseconds interval);
inline constexpr std::string_view load_method = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics";

}  // namespace bv::rpc::grpc
