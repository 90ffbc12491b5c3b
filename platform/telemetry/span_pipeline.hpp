// From finished spans to exporters: a buffer per thread, so that recording takes no shared lock.
#pragma once

#include "platform/telemetry/span_exporter.hpp"

namespace bv::telemetry {

void publish(finished_span) noexcept;

}  // namespace bv::telemetry
