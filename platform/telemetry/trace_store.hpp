// Recent traces of this process in bounded memory, for the API and its pages when no collector is there.
// The oldest trace goes first; one that failed or was slow is then kept longer, in a small reserve.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/telemetry/span_exporter.hpp"

namespace bv::telemetry {

struct trace_store_options {
    std::size_t max_traces = 500;
    std::size_t max_spans = 256;                   // a trace; more are counted as dropped
    std::size_t max_reserved = 50;                 // failed or slow traces kept beyond max_traces
    std::size_t max_bytes = 16 * 1024 * 1024;      // of all; the reserve takes at most a quarter
    std::chrono::milliseconds slow{1'000};         // a trace with a span this long counts as slow
};

struct trace_summary {
    telemetry::trace_id id{};
    std::string name;                              // of the root, else of the earliest span
    std::string service;                           // likewise; empty when none is named
    time_point start{};
    std::chrono::nanoseconds duration{};           // first start to last end
    std::size_t spans = 0;
    std::size_t dropped = 0;                       // spans beyond the bound
    bool failed = false;                           // of any span
    std::vector<std::string> services;             // sorted, each once
};

struct stored_trace {
    trace_summary summary;
    std::vector<finished_span> spans;              // by start
};

struct trace_query {
    std::size_t limit = 50;
    std::string_view service{};                    // a service among the trace's; empty: any
    std::string_view name{};                       // a part of its name; empty: any
    bool failed_only = false;
    std::chrono::nanoseconds min_duration{};
};

// Thread-safe.
class trace_store final : public span_exporter {
public:
    explicit trace_store(trace_store_options options = {}) : options_(options) {}

    void export_spans(std::span<const finished_span>) override;
    // Newest first.
    [[nodiscard]] std::vector<trace_summary> recent(const trace_query& = {}) const;
    [[nodiscard]] std::optional<stored_trace> find(const trace_id&) const;
    // Drops what exceeds the new bounds.
    void configure(trace_store_options);
    void clear();
    [[nodiscard]] std::size_t size() const;        // traces
    [[nodiscard]] std::size_t bytes() const;

private:
    struct entry {
        telemetry::trace_id id{};
        std::vector<finished_span> spans;
        std::size_t bytes = 0;
        std::size_t dropped = 0;
        bool keep = false;                         // failed or slow
        bool reserved = false;                     // is in reserve_
    };
    using entries = std::list<entry>;
    struct hash {
        std::size_t operator()(const telemetry::trace_id&) const noexcept;
    };

    void add(const finished_span&);
    void trim();
    void drop(entries&, entries::iterator);
    static trace_summary summarise(const entry&);

    mutable std::mutex mutex_;
    trace_store_options options_;
    entries recent_, reserve_;                     // oldest first
    std::unordered_map<telemetry::trace_id, entries::iterator, hash> index_;
    std::size_t bytes_ = 0, reserved_bytes_ = 0;
};

// The process's store: every finished span goes there. Lives as long as the process. Call flush_spans() before reading.
[[nodiscard]] trace_store& recent_traces();

}  // namespace bv::telemetry
