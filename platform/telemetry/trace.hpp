// Spans in OpenTelemetry's data model, propagated by W3C Trace Context (level 1, section 3.2). Explicit parents:
// coroutines hop, so there is no thread-local current span. A span names its service with
// set(semconv::service_name, "order"); spans below it that name none belong to the same service.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::telemetry {

struct span_context {
    std::array<std::uint8_t, 16> trace_id{};
    std::array<std::uint8_t, 8> span_id{};
    bool sampled = false;

    [[nodiscard]] bool valid() const noexcept { return trace_id != std::array<std::uint8_t, 16>{}; }
    [[nodiscard]] std::string trace_id_hex() const;   // 32 characters
    [[nodiscard]] std::string traceparent() const;    // "00-…-…-01"; empty when not valid
    [[nodiscard]] static span_context parse(std::string_view traceparent) noexcept;  // invalid when malformed
};

// What is kept of a finished span: span_record.hpp.
struct span_record;

enum class span_kind : unsigned char { internal, server, client, producer, consumer };

// Records from construction to end() or destruction. An unsampled span costs next to nothing.
// Movable; used from one coroutine at a time. Bounds: 32 attributes, 32 links, 1 KiB a value; more is dropped and counted.
class span {
public:
    span() = default;  // records nothing
    // A child of parent, or a new root (sampling decided here) when parent is not valid.
    span(std::string_view name, span_kind, const span_context& parent);
    span(span&&) noexcept;
    span& operator=(span&&) noexcept;
    ~span();

    [[nodiscard]] const span_context& context() const noexcept { return context_; }
    // For what is only known later, such as the route of a request.
    void rename(std::string_view name);
    void set(std::string_view key, std::string_view value);
    void set(std::string_view key, std::int64_t value);
    void link(const span_context&);             // a batch links the traces of its events
    void fail(std::string_view description);    // status ERROR
    void end();

private:
    span_context context_;
    std::shared_ptr<span_record> record_;  // null when not sampled
};

// The share of new traces that is recorded, in [0, 1]; 1 at the start of the process. A caller's decision (the sampled
// flag of its traceparent) is respected. Thread-safe.
void set_sampling_ratio(double) noexcept;
[[nodiscard]] double sampling_ratio() noexcept;

// From now on the ids that this thread gives out follow from the seed: for simulation.
void seed_span_ids(std::uint64_t seed);

}  // namespace bv::telemetry
