// Log lines to a log store that speaks Elasticsearch's bulk API: Elasticsearch, OpenSearch, VictoriaLogs.
#pragma once

#include <string>
#include <string_view>

#include "platform/exporters/bounded_queue.hpp"
#include "platform/exporters/delivery.hpp"
#include "platform/telemetry/log_sink.hpp"

namespace bv::exporters {

inline constexpr std::string_view bulk_path = "/_bulk";

struct log_shipper_options {
    delivery_options delivery;
    std::string index = "bitvelocity";
    std::string service = "bitvelocity";  // added to each line as "service"
    std::string instance{};               // likewise
    queue_bounds queue{};
    queue_bounds parcel{.items = 2'000, .bytes = 1024 * 1024};
};

class log_shipper final : public telemetry::log_sink {
public:
    log_shipper(log_shipper_options, clock&, rng&);

    // From any thread; a full queue drops the line and counts it.
    void take(std::string_view line) override;

    // On one executor, as the delivery's.
    void start(asio::any_io_executor executor) { delivery_.start(std::move(executor)); }
    task<void> stop(milliseconds patience) { return delivery_.stop(patience); }

private:
    parcel pack();

    const log_shipper_options options_;
    const std::string before_;  // what stands before each line's own fields
    bounded_queue<std::string> queue_;
    delivery delivery_;
};

// How many lines of a bulk answer were refused: those with a status of 300 or more.
[[nodiscard]] std::size_t refused_lines(std::string_view answer);

}  // namespace bv::exporters
