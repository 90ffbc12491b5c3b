// Where log lines go besides the descriptor: to a log store, say.
#pragma once

#include <memory>
#include <string_view>

namespace bv::telemetry {

class log_sink {
public:
    virtual ~log_sink() = default;
    // One JSON object, without its line feed. Called from any logging thread, also at once from several: quick, never blocks on
    // I/O, and logs nothing itself. What it throws is dropped.
    virtual void take(std::string_view line) = 0;
};

// Lines from now on also go there; null: nowhere else. A line in hand on another thread may still reach the one before. Thread-safe.
void set_log_sink(std::shared_ptr<log_sink>);

}  // namespace bv::telemetry
