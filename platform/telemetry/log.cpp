#include "platform/telemetry/log.hpp"

#include <atomic>
#include <cerrno>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>

#include "platform/telemetry/json_text.hpp"
#include "platform/telemetry/log_sink.hpp"
#include "platform/telemetry/masking.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/span_record.hpp"

namespace bv::telemetry {

namespace {

constexpr std::size_t max_value = 2048;

std::atomic<level> lowest{level::info};
std::atomic<int> descriptor{2};

// Never destroyed: threads may log while static objects are being destroyed.
std::atomic<std::shared_ptr<log_sink>>& sink() {
    static auto* const instance = new std::atomic<std::shared_ptr<log_sink>>;
    return *instance;
}
std::atomic<bool> has_sink{false};  // spares every line the counted look at the sink

std::string_view text(level l) noexcept {
    switch (l) {
        case level::debug: return "debug";
        case level::info: return "info";
        case level::warn: return "warn";
        case level::error: return "error";
    }
    return "error";
}

struct value_writer {
    std::string& out;
    void operator()(std::string_view v) const {
        if (v.find('@') != std::string_view::npos) append_json_string(out, masked_text(v.substr(0, max_value)));
        else append_json_string(out, v.substr(0, max_value));
    }
    void operator()(std::int64_t v) const { fmt::format_to(std::back_inserter(out), "{}", v); }
    void operator()(double v) const { append_json_number(out, v); }
    void operator()(bool v) const { out += v ? "true" : "false"; }
};

void append_field(std::string& line, const field& f) {
    append_json_key(line, f.key);
    // A truth value gives nothing away: "password_rehashed":true is worth reading.
    if (!std::holds_alternative<bool>(f.value) && is_sensitive_key(f.key)) append_json_string(line, mask);
    else std::visit(value_writer{line}, f.value);
}

std::string render(level l, std::string_view event, fields fs, const span_context& context) {
    std::string line;
    line.reserve(256);
    line += '{';
    append_json_key(line, "time");
    append_json_string(line, rfc3339(system_clock().now()));
    append_json_key(line, "level");
    append_json_string(line, text(l));
    append_json_key(line, "event");
    append_json_string(line, event);
    if (context.valid()) {
        append_json_key(line, "trace_id");
        append_json_string(line, hex(context.trace_id));
        append_json_key(line, "span_id");
        append_json_string(line, hex(context.span_id));
    }
    for (const field& f : fs) append_field(line, f);
    line += "}\n";
    return line;
}

// One write a line, so that lines of several threads and processes do not mix. A pipe may take only a part of a long one.
bool write_line(std::string_view line) noexcept {
    const int fd = descriptor.load(std::memory_order_relaxed);
    while (!line.empty()) {
        const ssize_t n = ::write(fd, line.data(), line.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        line.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace

void log(level l, std::string_view event, fields fs, const span_context& context) noexcept {
    if (!log_enabled(l)) return;
    try {
        static counter& dropped = count("log_lines_dropped_total", "Log lines that the output did not take.");
        const std::string line = render(l, event, fs, context);
        if (!write_line(line)) dropped.add();
        if (!has_sink.load(std::memory_order_relaxed)) return;
        if (const auto to = sink().load()) to->take(std::string_view(line).substr(0, line.size() - 1));
    } catch (...) {
        // A log line must not fail what it tells of.
    }
}

void set_log_sink(std::shared_ptr<log_sink> to) {
    has_sink.store(to != nullptr, std::memory_order_relaxed);
    sink().store(std::move(to));
}

void set_log_level(level l) noexcept { lowest.store(l, std::memory_order_relaxed); }
bool log_enabled(level l) noexcept { return l >= lowest.load(std::memory_order_relaxed); }
void set_log_descriptor(int fd) noexcept { descriptor.store(fd, std::memory_order_relaxed); }

}  // namespace bv::telemetry
