#include "platform/telemetry/trace.hpp"
#include "platform/testing/fuzz.hpp"

BV_FUZZ(traceparent) {
    const auto context = bv::telemetry::span_context::parse(bytes);
    if (!context.valid()) {
        BV_ASSERT(context.traceparent().empty());
        return;
    }
    const auto back = bv::telemetry::span_context::parse(context.traceparent());
    BV_ASSERT(back.trace_id == context.trace_id && back.span_id == context.span_id && back.sampled == context.sampled);
}
