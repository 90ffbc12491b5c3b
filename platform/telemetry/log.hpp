// Logs: one JSON object a line, an event name and typed fields, with the trace id. Ids, not payloads; never personal
// data: a field whose key is not safe to show is masked, and so is an e-mail address in any value (masking.hpp).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "platform/telemetry/trace.hpp"

namespace bv::telemetry {

enum class level : unsigned char { debug, info, warn, error };

struct field {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, double, bool> value;
    field(std::string_view k, std::string_view v) : key(k), value(v) {}
    field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
    field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
    template <class T>
        requires std::is_integral_v<T> && (!std::is_same_v<T, bool>)
    field(std::string_view k, T v) : key(k), value(static_cast<std::int64_t>(v)) {}
    field(std::string_view k, double v) : key(k), value(v) {}
    field(std::string_view k, bool v) : key(k), value(v) {}
};
using fields = std::initializer_list<field>;

// {"time":"…","level":"info","event":"order.placed","trace_id":"…",…}. Thread-safe; one write(2) a line; never throws.
// A line that the descriptor does not take is dropped and counted in log_lines_dropped_total.
void log(level, std::string_view event, fields = {}, const span_context& = {}) noexcept;
inline void debug(std::string_view event, fields f = {}, const span_context& c = {}) { log(level::debug, event, f, c); }
inline void info(std::string_view event, fields f = {}, const span_context& c = {}) { log(level::info, event, f, c); }
inline void warn(std::string_view event, fields f = {}, const span_context& c = {}) { log(level::warn, event, f, c); }
inline void error(std::string_view event, fields f = {}, const span_context& c = {}) { log(level::error, event, f, c); }

// Lines below this level are not written; info by default.
void set_log_level(level) noexcept;
// For callers that would compute a field only to have it dropped.
[[nodiscard]] bool log_enabled(level) noexcept;
// Lines go to this descriptor; 2 by default. Not owned.
void set_log_descriptor(int) noexcept;

}  // namespace bv::telemetry
