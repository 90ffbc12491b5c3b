#include "platform/exporters/span_shipper.hpp"

#include <algorithm>

namespace bv::exporters {

namespace {

delivery_options otlp(delivery_options o) {
    o.signal = "traces";
    o.content_type = "application/x-protobuf";
    return o;
}

}  // namespace

span_shipper::span_shipper(span_shipper_options o, clock& c, rng& r)
    : options_(std::move(o)), clock_(c), queue_(options_.queue), tail_(options_.tail),
      delivery_(otlp(options_.delivery), c, r, [this] { return pack(); }, [](const http::client_response& a) { return rejected_spans(a.body); }) {}

void span_shipper::export_spans(std::span<const telemetry::finished_span> spans) {
    std::size_t lost = 0;
    for (const auto& s : spans)
        if (!queue_.push(s, s->bytes())) ++lost;
    if (lost > 0) delivery_.drop(lost, delivery::reason::queue_full);
}

parcel span_shipper::pack() {
    if (next_ == ready_.size()) refill();
    const auto n = std::min(options_.parcel, ready_.size() - next_);
    if (n == 0) return {};
    const auto due = std::span(ready_).subspan(next_, n);
    next_ += n;
    return {encode_spans(due, options_.instance), n};
}

void span_shipper::refill() {
    telemetry::flush_spans();
    const auto now = clock_.steady_now();
    std::vector<telemetry::finished_span> chosen;
    for (auto& s : queue_.take(options_.queue)) tail_.add(std::move(s), now, chosen);
    tail_.expire(now);
    ready_ = with_services(std::move(chosen), "bitvelocity");
    next_ = 0;
}

}  // namespace bv::exporters
