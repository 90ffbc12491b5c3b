// Spans of every process of the platform in the recent traces of one: a process keeps what it finished lately, the gateway takes
// over what is new before it answers a question about traces.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rpc/peer/directory.hpp"
#include "platform/telemetry/span_exporter.hpp"

namespace bv::operations {

inline constexpr const char* spans_path = "/internal/spans";

// Thread-safe. What this process finished lately, oldest first; numbered from 1.
class span_outlet final : public telemetry::span_exporter {
public:
    explicit span_outlet(std::size_t most) : most_(most) {}
    void export_spans(std::span<const telemetry::finished_span>) override;
    // Those after that number: "<number of the last> <how many>" and the spans.
    [[nodiscard]] std::string after(std::uint64_t number) const;

private:
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::deque<telemetry::finished_span> kept_;
    std::uint64_t last_ = 0;
};

struct span_batch {
    std::uint64_t last = 0;
    std::vector<telemetry::finished_span> spans;
};
// What after() gave. False: it is no such text, or has been cut.
[[nodiscard]] bool parse_spans(std::string_view, span_batch&);

}  // namespace bv::operations
