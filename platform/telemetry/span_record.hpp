// A finished span as exporters and the trace store see it. Immutable once published, shared between them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/telemetry/trace.hpp"

namespace bv::telemetry {

using trace_id = std::array<std::uint8_t, 16>;
using span_id = std::array<std::uint8_t, 8>;

struct attribute {
    std::string key;
    std::variant<std::string, std::int64_t> value;
};

struct span_link {
    telemetry::trace_id trace{};
    telemetry::span_id span{};
};

struct span_record {
    telemetry::trace_id trace{};
    telemetry::span_id id{};
    telemetry::span_id parent{};          // zero for the root of a trace
    span_kind kind = span_kind::internal;
    bool failed = false;                  // status ERROR
    std::string name;
    std::string status_message;
    time_point start{};
    steady_point steady_start{};
    std::chrono::nanoseconds duration{};
    std::vector<attribute> attributes;
    std::vector<span_link> links;
    std::uint32_t dropped = 0;            // attributes and links beyond the bounds

    // The value of a text attribute; empty when absent.
    [[nodiscard]] std::string_view text(std::string_view key) const noexcept;
    // What it occupies, heap included.
    [[nodiscard]] std::size_t bytes() const noexcept;
};

using finished_span = std::shared_ptr<const span_record>;

// "internal", "server", "client", "producer", "consumer".
[[nodiscard]] std::string_view name(span_kind) noexcept;

// Whether a trace is among that share of all, in [0, 1]. The id decides (OpenTelemetry's TraceIdRatioBased): every process
// decides alike, and a larger share holds all of a smaller one.
[[nodiscard]] bool is_drawn(const trace_id&, double share) noexcept;

// Lower-case hexadecimal digits of an id, and back (exactly 32 or 16 lower-case digits).
[[nodiscard]] std::string hex(const trace_id&);
[[nodiscard]] std::string hex(const span_id&);
[[nodiscard]] bool parse_hex(std::string_view, trace_id&) noexcept;
[[nodiscard]] bool parse_hex(std::string_view, span_id&) noexcept;

}  // namespace bv::telemetry
