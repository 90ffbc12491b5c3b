// What watches the platform, when --with asks for it: a collector, Jaeger, Prometheus, Alertmanager, VictoriaMetrics, VictoriaLogs, as
// child processes that are connected with each other and with the platform. Each that is given by a setting is used instead.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/stack/data_dir.hpp"
#include "app/stack/extras.hpp"
#include "app/stack/scrape_targets.hpp"
#include "app/stack/server_child.hpp"
#include "platform/core/config.hpp"

namespace bv::stack {

class observability {
public:
    // Chooses ports and writes configurations; starts nothing. Throws failure FAILED_PRECONDITION "SERVER_NOT_INSTALLED",
    // INVALID_ARGUMENT "SERVER_ALONE" for one that is of no use without another.
    observability(const config&, const data_dir&, const running_platform&);

    void launch();
    // Until all answer, or `stop_asked`. Throws what server_child::is_up does.
    void await(const std::function<bool()>& stop_asked);
    // Starts again what has ended. True when a process changed.
    bool tend();
    // Nobody is scraped from here on.
    void stop() noexcept;

    // Whom a Prometheus scrapes, this one or another.
    [[nodiscard]] scrape_targets& targets() noexcept { return targets_; }
    // Settings of the platform's processes that lead to what was started: "telemetry.otlp_endpoint=…", "log.ship_url=…".
    [[nodiscard]] const std::vector<std::string>& settings() const noexcept { return settings_; }
    [[nodiscard]] std::vector<running_server> servers() const;

private:
    struct started {
        server_child child;
        std::string url;  // for people
    };

    server_child& add(const std::string& name, const std::string& program, std::string_view given_by, std::uint16_t port, std::string_view page = "/");
    [[nodiscard]] std::filesystem::path folder(const std::string& name) const;
    [[nodiscard]] std::uint16_t port(const std::string& name) const { return lasting_port(folder_, name); }
    void add_jaeger();
    void add_collector();
    void add_victoria_logs();
    void add_alertmanager();
    void add_victoria_metrics();
    void add_prometheus(const running_platform&);
    [[nodiscard]] std::string prometheus_settings(const running_platform&) const;

    const config& config_;
    const data_dir& dir_;
    scrape_targets targets_;
    extras wanted_;
    std::filesystem::path folder_, programs_, files_;
    std::string retention_;
    std::string traces_to_, alerts_to_, samples_to_;      // addresses of Jaeger by OTLP over gRPC, of Alertmanager; URL of remote write
    std::vector<std::pair<std::string, std::uint16_t>> own_metrics_;  // server, port of its /metrics
    std::uint16_t span_metrics_ = 0;
    std::vector<started> servers_;
    std::vector<std::string> settings_;
};

}  // namespace bv::stack
