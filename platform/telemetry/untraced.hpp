// The context of work that repeats by itself every few seconds and would push what matters out of the recent traces.
#pragma once

#include "platform/telemetry/trace.hpp"

namespace bv::telemetry {

// Valid and not sampled: spans below it, in other processes too, record nothing.
[[nodiscard]] inline span_context untraced() noexcept {
    span_context out;
    out.trace_id.back() = out.span_id.back() = 1;
    return out;
}

}  // namespace bv::telemetry
