// Spans as the OpenTelemetry protocol has them (OTLP 1.x, binary Protobuf).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/telemetry/span_record.hpp"

namespace bv::exporters {

struct owned_span {
    telemetry::finished_span span;
    std::string service;
};

// Of each span the service that it belongs to: its own, else that of the nearest span above it that names one, else `unknown`.
[[nodiscard]] std::vector<owned_span> with_services(std::vector<telemetry::finished_span>, std::string_view unknown);

// An ExportTraceServiceRequest: one resource a service. `instance` tells this process from others of the same service.
[[nodiscard]] std::string encode_spans(std::span<const owned_span>, std::string_view instance);
// The rejected spans of an ExportTraceServiceResponse; 0 for what is none.
[[nodiscard]] std::size_t rejected_spans(std::string_view response);

}  // namespace bv::exporters
