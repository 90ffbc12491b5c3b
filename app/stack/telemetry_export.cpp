#include "app/stack/telemetry_export.hpp"

#include <unistd.h>

namespace bv::stack {

namespace {

constexpr milliseconds patience{3'000};  // of the stop, for each of the two

result<exporters::endpoint> otlp_endpoint(const config& c) {
    return exporters::parse_endpoint("telemetry.otlp_endpoint", c.get<std::string>("telemetry.otlp_endpoint"), exporters::otlp_path, "http://127.0.0.1:4318");
}

result<exporters::endpoint> log_endpoint(const config& c) {
    return exporters::parse_endpoint("log.ship_url", c.get<std::string>("log.ship_url"), exporters::bulk_path, "http://127.0.0.1:9428/insert/elasticsearch");
}

exporters::endpoint value(result<exporters::endpoint> parsed) {
    if (!parsed) throw failure(std::move(parsed.error()));
    return std::move(*parsed);
}

exporters::span_shipper_options span_options(const config& c, const std::string& instance) {
    exporters::span_shipper_options o;
    o.delivery.to = value(otlp_endpoint(c));
    o.delivery.authorization = c.get<std::string>("telemetry.otlp_authorization");
    o.delivery.gzip = c.get<bool>("telemetry.otlp_gzip");
    o.tail.share = c.get<int>("telemetry.otlp_percent") / 100.0;
    o.tail.slow = c.get<milliseconds>("telemetry.slow_trace");
    o.instance = instance;
    return o;
}

exporters::log_shipper_options log_options(const config& c, const std::string& instance) {
    exporters::log_shipper_options o;
    o.delivery.to = value(log_endpoint(c));
    o.delivery.authorization = c.get<std::string>("log.ship_authorization");
    o.instance = instance;
    return o;
}

}  // namespace

void check_export_settings(const config& c) {
    if (!c.get<std::string>("telemetry.otlp_endpoint").empty()) (void)value(otlp_endpoint(c));
    if (!c.get<std::string>("log.ship_url").empty()) (void)value(log_endpoint(c));
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

telemetry_export::telemetry_export(const config& c, runtime& r, const std::string& instance) : runtime_(r) {
    const auto executor = r.context(0).get_executor();
    if (!c.get<std::string>("telemetry.otlp_endpoint").empty()) {
        spans_ = std::make_shared<exporters::span_shipper>(span_options(c, instance), system_clock(), system_rng());
        spans_->start(executor);
        telemetry::add_span_exporter(spans_);
    }
    if (!c.get<std::string>("log.ship_url").empty()) {
        lines_ = std::make_shared<exporters::log_shipper>(log_options(c, instance), system_clock(), system_rng());
        lines_->start(executor);
        telemetry::set_log_sink(lines_);
    }
}

telemetry_export::~telemetry_export() {
    if (spans_) telemetry::remove_span_exporter(spans_.get());
    if (lines_) telemetry::set_log_sink(nullptr);
}

void telemetry_export::stop() {
    if (spans_) runtime_.block_on(spans_->stop(patience));
    if (lines_) runtime_.block_on(lines_->stop(patience));
}

}  // namespace bv::stack
