// The metrics of one subscription.
#pragma once

#include <string>

#include "platform/telemetry/metrics.hpp"

namespace bv::events {

struct consumer_metrics {
    consumer_metrics(const std::string& group, const std::string& source)
        : consumed(telemetry::count("bv_events_consumed_total", "Events applied", {{"group", group}, {"source", source}})),
          dead_letters(telemetry::count("bv_events_dead_letters_total", "Events set aside: failed, or blocked by one that did",
                                        {{"group", group}, {"source", source}})),
          failures(telemetry::count("bv_events_batch_failures_total", "Transactions of a batch that failed",
                                    {{"group", group}, {"source", source}})),
          batch(telemetry::time("bv_events_batch_seconds", "From the start of a batch's transaction to its commit",
                                {{"group", group}, {"source", source}})),
          delivery(telemetry::time("bv_events_delivery_seconds", "From an event's append to its commit at the consumer",
                                   {{"group", group}, {"source", source}})) {}

    telemetry::counter& consumed;
    telemetry::counter& dead_letters;
    telemetry::counter& failures;
    telemetry::histogram& batch;
    telemetry::histogram& delivery;
};

}  // namespace bv::events
