// Which finished spans are exported: a share of the traces, drawn by their ids as everywhere else, and of the others those that
// failed or were slow. A trace shows that only in the course of time, so its spans are held until then.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/telemetry/span_record.hpp"

namespace bv::exporters {

struct tail_options {
    double share = 1.0;                             // of all traces, by id: exported whatever they show
    std::chrono::nanoseconds slow{seconds(1)};      // a span this long makes its trace slow
    std::chrono::nanoseconds wait{seconds(10)};     // how long a trace without a reason is held
    std::chrono::nanoseconds remember{seconds(60)}; // how long later spans of a trace with one go the same way
    std::size_t most_held = 65'536;                 // spans; beyond it the oldest traces are let go
};

// Not thread-safe.
class tail_sampler {
public:
    explicit tail_sampler(tail_options options) : options_(options) {}

    // Appends to `out` what is to be exported now: the span, and what it brought with it.
    void add(telemetry::finished_span, steady_point now, std::vector<telemetry::finished_span>& out);
    // Lets go what has been held for long enough.
    void expire(steady_point now);
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

private:
    struct hash {
        std::size_t operator()(const telemetry::trace_id& id) const noexcept {
            std::size_t h = 0;
            std::memcpy(&h, id.data() + id.size() - sizeof h, sizeof h);
            return h;
        }
    };
    struct trace {
        bool kept = false;
        std::vector<telemetry::finished_span> spans;
    };
    struct dated {
        telemetry::trace_id id;
        steady_point since;
    };
    void forget_oldest(std::deque<dated>&, bool kept);

    const tail_options options_;
    std::unordered_map<telemetry::trace_id, trace, hash> traces_;
    std::deque<dated> waiting_, kept_;  // oldest first
    std::size_t held_ = 0;
};

}  // namespace bv::exporters
