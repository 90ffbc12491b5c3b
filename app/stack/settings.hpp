// The platform's settings: one schema for the file, the environment and the command line (docs/configuration.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "platform/core/config.hpp"

namespace bv::stack {

[[nodiscard]] config_schema settings_schema();

// Reads `file` (or bitvelocity.yaml in the working directory, when there is one), the environment and "key=value" flags.
// Throws failure INVALID_ARGUMENT that lists every problem, one a line.
[[nodiscard]] config load_settings(const std::string& file, std::vector<std::string> flags);

// Log level and share of traces, for the process.
void configure_telemetry(const config&);

// data.directory, or its default: ".data" beside the launcher, else ~/.local/share/bitvelocity.
[[nodiscard]] std::filesystem::path data_directory(const config&);

}  // namespace bv::stack
