// What the settings send to a collector and a log store.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "platform/core/config.hpp"
#include "platform/core/task.hpp"
#include "platform/exporters/log_shipper.hpp"
#include "platform/exporters/span_shipper.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::stack {

// telemetry.otlp_endpoint, log.ship_url. Throws failure INVALID_ARGUMENT "CONFIG_INVALID" for one that cannot be used.
void check_export_settings(const config&);

// This machine's.
[[nodiscard]] std::string host_name();

class telemetry_export {
public:
    // `instance` tells this process from others: a host and port. Ships from core 0 of a started runtime. `instead`: "key=value" of
    // telemetry.otlp_endpoint and log.ship_url, for servers that the settings do not name because they were started beside the platform.
    telemetry_export(const config&, runtime&, const std::string& instance, std::span<const std::string> instead = {});
    ~telemetry_export();
    telemetry_export(const telemetry_export&) = delete;
    telemetry_export& operator=(const telemetry_export&) = delete;

    // Blocks until what is due is sent, for a few seconds at most. Before the runtime ends.
    void stop();

private:
    runtime& runtime_;
    std::shared_ptr<exporters::span_shipper> spans_;
    std::shared_ptr<exporters::log_shipper> lines_;
};

}  // namespace bv::stack
