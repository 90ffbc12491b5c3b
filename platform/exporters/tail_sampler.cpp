#include "platform/exporters/tail_sampler.hpp"

#include <algorithm>
#include <iterator>

namespace bv::exporters {

void tail_sampler::add(telemetry::finished_span span, steady_point now, std::vector<telemetry::finished_span>& out) {
    if (telemetry::is_drawn(span->trace, options_.share)) return out.push_back(std::move(span));
    auto [at, is_new] = traces_.try_emplace(span->trace);
    trace& t = at->second;
    if (!t.kept && (span->failed || span->duration >= options_.slow)) {
        t.kept = true;
        held_ -= t.spans.size();
        std::ranges::move(t.spans, std::back_inserter(out));
        t.spans = {};
        kept_.push_back({span->trace, now});
    } else if (is_new) {
        waiting_.push_back({span->trace, now});
    }
    if (t.kept) return out.push_back(std::move(span));
    t.spans.push_back(std::move(span));
    ++held_;
    while (held_ > options_.most_held) forget_oldest(waiting_, false);
}

void tail_sampler::expire(steady_point now) {
    while (!waiting_.empty() && waiting_.front().since + options_.wait <= now) forget_oldest(waiting_, false);
    while (!kept_.empty() && kept_.front().since + options_.remember <= now) forget_oldest(kept_, true);
}

void tail_sampler::forget_oldest(std::deque<dated>& from, bool kept) {
    const auto found = traces_.find(from.front().id);
    from.pop_front();
    if (found == traces_.end() || found->second.kept != kept) return;  // it was kept meanwhile
    held_ -= found->second.spans.size();
    traces_.erase(found);
}

}  // namespace bv::exporters
