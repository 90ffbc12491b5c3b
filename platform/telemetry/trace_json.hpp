// The stored traces as the JSON of GET /v1/traces and GET /v1/traces/{id}, which the pages read.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "platform/telemetry/trace_store.hpp"

namespace bv::telemetry {

// {"traces":[{"traceId":"…","name":"POST /v1/orders","service":"gateway","startTime":"…","durationUs":1234,"spanCount":9,
//   "droppedSpans":0,"error":false,"services":["gateway","order"]}]}
[[nodiscard]] std::string traces_json(std::span<const trace_summary>);

// The fields of a summary, and "spans" depth first, children by start:
// {"spanId":"…","parentSpanId":"…","depth":1,"name":"…","kind":"server","service":"order","startTime":"…","offsetUs":12,
//  "durationUs":340,"error":true,"statusMessage":"…","attributes":{…},"links":[{"traceId":"…","spanId":"…"}]}
// offsetUs counts from the start of the trace. A span whose parent is not in the trace stands at depth 0. A span that names no
// service has its parent's.
[[nodiscard]] std::string trace_json(const stored_trace&);

struct span_row {
    const span_record* span = nullptr;
    std::size_t depth = 0;
    std::string_view service;  // lives as long as the spans
};
// The order and indentation of a waterfall.
[[nodiscard]] std::vector<span_row> waterfall(std::span<const finished_span>);

}  // namespace bv::telemetry
