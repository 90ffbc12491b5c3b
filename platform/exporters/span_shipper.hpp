// Finished spans to a collector, by OTLP over HTTP.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/exporters/bounded_queue.hpp"
#include "platform/exporters/delivery.hpp"
#include "platform/exporters/otlp_encoding.hpp"
#include "platform/exporters/tail_sampler.hpp"
#include "platform/telemetry/span_exporter.hpp"

namespace bv::exporters {

inline constexpr std::string_view otlp_path = "/v1/traces";

struct span_shipper_options {
    delivery_options delivery;
    tail_options tail{};
    queue_bounds queue{};
    std::size_t parcel = 512;  // spans
    std::string instance;      // service.instance.id
};

class span_shipper final : public telemetry::span_exporter {
public:
    span_shipper(span_shipper_options, clock&, rng&);

    // From any thread; a full queue drops the span and counts it.
    void export_spans(std::span<const telemetry::finished_span>) override;

    // On one executor, as the delivery's.
    void start(asio::any_io_executor executor) { delivery_.start(std::move(executor)); }
    task<void> stop(milliseconds patience) { return delivery_.stop(patience); }

private:
    parcel pack();
    void refill();

    const span_shipper_options options_;
    clock& clock_;
    bounded_queue<telemetry::finished_span> queue_;
    tail_sampler tail_;
    std::vector<owned_span> ready_;  // sent up to next_
    std::size_t next_ = 0;
    delivery delivery_;
};

}  // namespace bv::exporters
