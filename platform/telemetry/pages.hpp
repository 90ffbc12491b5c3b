// The pages that show traces: traces.html (list), trace.html?id=<trace id> (waterfall), and their scripts and styles. They refer to
// each other by relative names, so they are served from one folder, and read /v1/traces. They need no 'unsafe-inline'.
#pragma once

#include <span>

#include "platform/core/embed.hpp"

namespace bv::telemetry {

// Lives as long as the process.
[[nodiscard]] std::span<const embedded_file> page_files();

}  // namespace bv::telemetry
