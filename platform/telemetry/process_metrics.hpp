// What the operating system knows of this process, under the names that Prometheus' client libraries use.
#pragma once

#include <string>

namespace bv::telemetry {

// Appends process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total, process_open_fds, process_max_fds,
// process_threads and process_start_time_seconds in the text format. What cannot be read is left out.
void append_process_metrics(std::string& out);

}  // namespace bv::telemetry
