#include "app/stack/observability.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <ranges>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "platform/core/error.hpp"

namespace bv::stack {

namespace fs = std::filesystem;

namespace {

constexpr const char* memory = "128MiB";  // of each of the Victoria servers' caches

fs::path given_or(const std::string& given, const char* in_the_tree) {
    if (!given.empty()) return fs::absolute(given);
    const char* root = std::getenv("BV_ROOT");  // NOLINT(concurrency-mt-unsafe): this process sets none
    return fs::absolute(fs::path(root ? root : "") / in_the_tree);
}

extras wanted_by(const config& c) {
    auto out = parse_extras(c.get<std::vector<std::string>>("stack.with"));
    if (!out) throw failure(out.error());
    // What is given is not started.
    if (!c.get<std::string>("telemetry.otlp_endpoint").empty()) out->collector = out->jaeger = false;
    if (!c.get<std::string>("collector.traces_to").empty() && out->collector) out->jaeger = false;
    if (!c.get<std::string>("log.ship_url").empty()) out->victoria_logs = false;
    if (!c.get<std::string>("prometheus.alertmanager").empty()) out->alertmanager = false;
    if (!c.get<std::string>("prometheus.remote_write").empty()) out->victoria_metrics = false;
    return *out;
}

[[noreturn]] void alone(std::string_view server, std::string_view needs) {
    throw failure(code::invalid_argument, "SERVER_ALONE", fmt::format("--with {0}: it is of no use by itself; add {1}", server, needs));
}

std::string at(std::uint16_t port) { return fmt::format("127.0.0.1:{}", port); }

// For the collector and for Jaeger, which is built of the same parts.
std::string set(std::string_view key, std::string_view value) { return fmt::format("--set={}={}", key, value); }
std::string own_metrics_at(std::uint16_t port) {
    return set("service.telemetry.metrics.readers", fmt::format("[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]", port));
}

}  // namespace

observability::observability(const config& c, const data_dir& dir, const running_platform& platform)
    : config_(c), dir_(dir), targets_(dir.path(), platform), wanted_(wanted_by(c)),
      programs_(given_or(c.get<std::string>("observability.programs"), "build/tools/bin")),
      files_(given_or(c.get<std::string>("observability.files"), "infra/observability")),
      retention_(fmt::format("{}h", c.get<std::chrono::hours>("observability.retention").count())),
      traces_to_(c.get<std::string>("collector.traces_to")),
      alerts_to_(c.get<std::string>("prometheus.alertmanager")),
      samples_to_(c.get<std::string>("prometheus.remote_write")) {
    const auto& w = wanted_;
    if (!(w.jaeger || w.collector || w.prometheus || w.alertmanager || w.victoria_metrics || w.victoria_logs)) return;
    if (w.collector && !w.jaeger && traces_to_.empty()) alone("collector", "jaeger, or name a store of traces in collector.traces_to");
    if (w.alertmanager && !w.prometheus) alone("alertmanager", "prometheus");
    if (w.victoria_metrics && !w.prometheus) alone("victoria-metrics", "prometheus");
    folder_ = dir.folder("observability");
    if (w.jaeger) add_jaeger();
    if (w.collector) add_collector();
    if (w.victoria_logs) add_victoria_logs();
    if (w.alertmanager) add_alertmanager();
    if (w.victoria_metrics) add_victoria_metrics();
    if (w.prometheus) add_prometheus(platform);
}

fs::path observability::folder(const std::string& name) const {
    const auto out = fs::absolute(folder_) / name;
    fs::create_directories(out);
    fs::permissions(out, fs::perms::owner_all);
    return out;
}

server_child& observability::add(const std::string& name, const std::string& program, std::string_view given_by, std::uint16_t port, std::string_view page) {
    const auto path = programs_ / program;
    if (::access(path.c_str(), X_OK) != 0)
        throw failure(code::failed_precondition, "SERVER_NOT_INSTALLED",
                      fmt::format("--with {0}: there is no program {1}; infra/observability/fetch {0} puts it there; or use one that runs already ({2})", name,
                                  path.string(), given_by));
    servers_.push_back({server_child({name, {path.string()}, folder(name), dir_.folder("log") / (name + ".log"), port}),
                        fmt::format("http://{}{}", at(port), page)});
    return servers_.back().child;
}

void observability::add_jaeger() {
    const auto query = port("jaeger"), http = port("jaeger-otlp-http"), metrics = port("jaeger-metrics");
    traces_to_ = at(port("jaeger-otlp-grpc"));
    const auto badger = std::string("extensions.jaeger_storage.backends.traces.badger.");
    auto& child = add("jaeger", "jaeger", "telemetry.otlp_endpoint", query, "/api/traces?service=gateway");
    const auto& kept = child.spec().folder;
    child.give({"--config", files_ / "jaeger.yaml", set(badger + "directories.keys", (kept / "keys").string()),
                set(badger + "directories.values", (kept / "values").string()),
                set(badger + "ttl.spans", retention_), set("extensions.jaeger_query.http.endpoint", at(query)), set("extensions.jaeger_query.grpc.endpoint", at(port("jaeger-grpc"))),
                set("receivers.otlp.protocols.http.endpoint", at(http)), set("receivers.otlp.protocols.grpc.endpoint", traces_to_),
                own_metrics_at(metrics)});
    own_metrics_.emplace_back("jaeger", metrics);
    if (!wanted_.collector) settings_.push_back("telemetry.otlp_endpoint=http://" + at(http));
}

void observability::add_collector() {
    const auto http = port("collector"), metrics = port("collector-metrics");
    span_metrics_ = port("collector-spans");
    auto& child = add("collector", "collector", "telemetry.otlp_endpoint", http, "/v1/traces");
    std::vector<std::string> arguments{"--config", files_ / "collector.yaml", set("receivers.otlp.protocols.http.endpoint", at(http)),
                                       set("exporters.prometheus.endpoint", at(span_metrics_)), set("exporters.otlp.endpoint", traces_to_), own_metrics_at(metrics)};
    if (const auto percent = config_.get<int>("collector.percent"); percent == 100) {
        arguments.push_back(set("service.pipelines.traces/kept.processors", "[batch]"));  // nothing to decide, nothing to wait for
    } else {
        arguments.push_back(set("processors.tail_sampling.policies",
                                fmt::format("[{{name: failed, type: status_code, status_code: {{status_codes: [ERROR]}}}}, "
                                            "{{name: slow, type: latency, latency: {{threshold_ms: {}}}}}, "
                                            "{{name: share, type: probabilistic, probabilistic: {{sampling_percentage: {}}}}}]",
                                            config_.get<std::chrono::milliseconds>("telemetry.slow_trace").count(), percent)));
    }
    child.give(std::move(arguments));
    own_metrics_.emplace_back("collector", metrics);
    settings_.push_back("telemetry.otlp_endpoint=http://" + at(http));
}

void observability::add_victoria_logs() {
    const auto number = port("victoria-logs");
    auto& child = add("victoria-logs", "victoria-logs", "log.ship_url", number, "/select/vmui/");
    child.give({"-httpListenAddr=" + at(number), "-storageDataPath=" + (child.spec().folder / "data").string(), "-retentionPeriod=" + retention_,
                fmt::format("-memory.allowedBytes={}", memory)});
    own_metrics_.emplace_back("victoria-logs", number);
    settings_.push_back(fmt::format("log.ship_url=http://{}/insert/elasticsearch", at(number)));
}

void observability::add_alertmanager() {
    const auto number = port("alertmanager");
    auto& child = add("alertmanager", "prometheus-alertmanager", "prometheus.alertmanager", number);
    const auto given = config_.get<std::string>("alertmanager.config");
    child.give({"--config.file=" + (given.empty() ? files_ / "alertmanager.yml" : fs::absolute(given)).string(),
                "--storage.path=" + (child.spec().folder / "data").string(),
                "--web.listen-address=" + at(number), "--cluster.listen-address="});
    alerts_to_ = at(number);
    own_metrics_.emplace_back("alertmanager", number);
}

void observability::add_victoria_metrics() {
    const auto number = port("victoria-metrics");
    auto& child = add("victoria-metrics", "victoria-metrics", "prometheus.remote_write", number, "/vmui/#/dashboards");
    child.give({"-httpListenAddr=" + at(number), "-storageDataPath=" + (child.spec().folder / "data").string(), "-retentionPeriod=" + retention_,
                fmt::format("-memory.allowedBytes={}", memory),
                "-vmui.customDashboardsPath=" + (files_ / "vmui").string()});
    samples_to_ = fmt::format("http://{}/api/v1/write", at(number));
    own_metrics_.emplace_back("victoria-metrics", number);
}

std::string observability::prometheus_settings(const running_platform& p) const {
    auto out = fmt::format("global: {{scrape_interval: 5s, evaluation_interval: 10s}}\nrule_files: [\"{}\"]\n", (files_ / "rules.yml").string());
    if (!alerts_to_.empty()) out += fmt::format("alerting: {{alertmanagers: [{{static_configs: [{{targets: [\"{}\"]}}]}}]}}\n", alerts_to_);
    if (!samples_to_.empty()) out += fmt::format("remote_write: [{{url: \"{}\"}}]\n", samples_to_);
    out += fmt::format("scrape_configs:\n- job_name: bitvelocity\n  file_sd_configs: [{{files: [\"{}\"], refresh_interval: 5s}}]\n",
                       fs::absolute(dir_.path() / scrape_targets_file).string());
    if (!p.certificate.empty()) out += fmt::format("  tls_config: {{ca_file: \"{}\"}}\n", p.certificate);
    if (span_metrics_ != 0) out += fmt::format("- {{job_name: spans, honor_labels: true, static_configs: [{{targets: [\"{}\"]}}]}}\n", at(span_metrics_));
    if (own_metrics_.empty()) return out;
    out += "- job_name: observability\n  static_configs:\n";
    for (const auto& [server, number] : own_metrics_) out += fmt::format("  - {{targets: [\"{}\"], labels: {{instance: {}}}}}\n", at(number), server);
    return out;
}

void observability::add_prometheus(const running_platform& p) {
    const auto number = port("prometheus");
    auto& child = add("prometheus", "prometheus", "it reads targets.json of the data directory", number, "/alerts");
    own_metrics_.emplace_back("prometheus", number);
    const auto file = child.spec().folder / "prometheus.yml";
    std::ofstream(file) << prometheus_settings(p);
    child.give({"--config.file=" + file.string(), "--storage.tsdb.path=" + (child.spec().folder / "data").string(), "--storage.tsdb.retention.time=" + retention_,
                "--web.listen-address=" + at(number)});
}

void observability::launch() {
    for (auto& s : servers_) s.child.launch();
}

void observability::await(const std::function<bool()>& stop_asked) {
    const auto is_up = [](started& s) { return s.child.is_up(); };
    while (!std::ranges::all_of(servers_, is_up) && !stop_asked()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

bool observability::tend() {
    bool changed = false;
    for (auto& s : servers_) changed = s.child.tend() || changed;
    return changed;
}

// Who sends ends before whom it sends to.
void observability::stop() noexcept {
    targets_.clear();
    for (auto& s : servers_ | std::views::reverse) s.child.stop();
}

std::vector<running_server> observability::servers() const {
    std::vector<running_server> out;
    for (const auto& s : servers_) out.push_back({s.child.spec().name, s.child.pid(), s.child.spec().port, s.url});
    return out;
}

}  // namespace bv::stack
