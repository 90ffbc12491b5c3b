// How a batch of events appears in traces.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "platform/events/event.hpp"

namespace bv::events {

// A consumer span: within the trace of its events when there is just one, else a new trace that links them all.
[[nodiscard]] telemetry::span span_of_batch(std::string_view group, std::span<const event> batch);

// What the batch's transaction runs under: the span when the events share a trace, else the first event's.
[[nodiscard]] std::string traceparent_of_batch(const telemetry::span&, std::span<const event> batch);

}  // namespace bv::events
