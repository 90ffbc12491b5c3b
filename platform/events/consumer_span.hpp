// How a batch of events appears in traces.
#pragma once

#include <span>
#include <string>

#include "platform/events/event.hpp"
#include "platform/events/log.hpp"

namespace bv::events {

// A span of the consuming service: within the trace of its events when there is just one, else a new trace that links them all.
[[nodiscard]] telemetry::span span_of_batch(const subscription&, std::span<const event> batch);

// What the batch's transaction runs under: the span when the events share a trace, else the first event's.
[[nodiscard]] std::string traceparent_of_batch(const telemetry::span&, std::span<const event> batch);

}  // namespace bv::events
