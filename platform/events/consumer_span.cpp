#include "platform/events/consumer_span.hpp"

#include <algorithm>
#include <set>

#include "platform/telemetry/semconv.hpp"

namespace bv::events {
namespace {

constexpr std::size_t max_links = 32;

bool share_one_trace(std::span<const event> batch) {
    const auto first = trace_of(batch.front());
    return first.valid() && std::ranges::all_of(batch, [&](const event& e) {
               return e.traceparent == batch.front().traceparent || trace_of(e).trace_id == first.trace_id;
           });
}

}  // namespace

telemetry::span span_of_batch(const subscription& s, std::span<const event> batch) {
    const bool one = share_one_trace(batch);
    telemetry::span span(batch.size() == 1 ? batch.front().short_type() : "events.batch", telemetry::span_kind::consumer,
                         one ? trace_of(batch.front()) : telemetry::span_context{});
    span.set(telemetry::semconv::service_name, s.consumer);
    span.set("messaging.consumer.group.name", s.group);
    span.set("messaging.destination.name", batch.front().source);
    span.set("messaging.batch.message_count", static_cast<std::int64_t>(batch.size()));
    if (!one) {
        std::set<std::string_view> seen;
        for (const auto& e : batch)
            if (seen.size() < max_links && trace_of(e).valid() && seen.insert(e.traceparent).second) span.link(trace_of(e));
    }
    return span;
}

std::string traceparent_of_batch(const telemetry::span& span, std::span<const event> batch) {
    return share_one_trace(batch) && span.context().valid() ? span.context().traceparent() : batch.front().traceparent;
}

}  // namespace bv::events
