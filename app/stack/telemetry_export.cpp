#include "app/stack/telemetry_export.hpp"

#include <unistd.h>

namespace bv::stack {

namespace {

constexpr milliseconds patience{3'000};  // of the stop, for each of the two

constexpr std::string_view otlp_setting = "telemetry.otlp_endpoint", log_setting = "log.ship_url";

std::string url_of(std::string_view setting, const config& c, std::span<const std::string> instead) {
    for (const auto& s : instead)
        if (s.starts_with(setting) && s.size() > setting.size() && s[setting.size()] == '=') return s.substr(setting.size() + 1);
    return c.get<std::string>(setting);
}

result<exporters::endpoint> otlp_endpoint(const std::string& url) { return exporters::parse_endpoint(otlp_setting, url, exporters::otlp_path, "http://127.0.0.1:4318"); }

result<exporters::endpoint> log_endpoint(const std::string& url) {
    return exporters::parse_endpoint(log_setting, url, exporters::bulk_path, "http://127.0.0.1:9428/insert/elasticsearch");
}

exporters::endpoint value(result<exporters::endpoint> parsed) {
    if (!parsed) throw failure(std::move(parsed.error()));
    return std::move(*parsed);
}

exporters::span_shipper_options span_options(const config& c, const std::string& url, const std::string& instance) {
    exporters::span_shipper_options o;
    o.delivery.to = value(otlp_endpoint(url));
    o.delivery.authorization = c.get<std::string>("telemetry.otlp_authorization");
    o.delivery.gzip = c.get<bool>("telemetry.otlp_gzip");
    o.tail.share = c.get<int>("telemetry.otlp_percent") / 100.0;
    o.tail.slow = c.get<milliseconds>("telemetry.slow_trace");
    o.instance = instance;
    return o;
}

exporters::log_shipper_options log_options(const config& c, const std::string& url, const std::string& instance) {
    exporters::log_shipper_options o;
    o.delivery.to = value(log_endpoint(url));
    o.delivery.authorization = c.get<std::string>("log.ship_authorization");
    o.instance = instance;
    return o;
}

}  // namespace

void check_export_settings(const config& c) {
    if (const auto url = url_of(otlp_setting, c, {}); !url.empty()) (void)value(otlp_endpoint(url));
    if (const auto url = url_of(log_setting, c, {}); !url.empty()) (void)value(log_endpoint(url));
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

telemetry_export::telemetry_export(const config& c, runtime& r, const std::string& instance, std::span<const std::string> instead) : runtime_(r) {
    const auto executor = r.context(0).get_executor();
    if (const auto url = url_of(otlp_setting, c, instead); !url.empty()) {
        spans_ = std::make_shared<exporters::span_shipper>(span_options(c, url, instance), system_clock(), system_rng());
        spans_->start(executor);
        telemetry::add_span_exporter(spans_);
    }
    if (const auto url = url_of(log_setting, c, instead); !url.empty()) {
        lines_ = std::make_shared<exporters::log_shipper>(log_options(c, url, instance), system_clock(), system_rng());
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
