#include "platform/telemetry/trace_store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "platform/telemetry/semconv.hpp"

namespace bv::telemetry {

namespace {

constexpr std::size_t entry_overhead = 256;  // list and hash nodes

bool matches(const trace_summary& s, const trace_query& query) {
    if (query.failed_only && !s.failed) return false;
    if (s.duration < query.min_duration) return false;
    if (!query.service.empty() && !std::ranges::binary_search(s.services, query.service)) return false;
    return query.name.empty() || s.name.find(query.name) != std::string::npos;
}

}  // namespace

std::size_t trace_store::hash::operator()(const telemetry::trace_id& id) const noexcept {
    std::size_t h = 0;  // ids are random: any bytes will do. The first may be a time stamp in other tracers.
    std::memcpy(&h, id.data() + id.size() - sizeof h, sizeof h);
    return h;
}

void trace_store::export_spans(std::span<const finished_span> spans) {
    const std::scoped_lock lock(mutex_);
    for (const finished_span& s : spans) add(s);
    trim();
}

void trace_store::add(const finished_span& span) {
    auto found = index_.find(span->trace);
    if (found == index_.end()) {
        recent_.push_back({.id = span->trace, .bytes = entry_overhead});
        bytes_ += entry_overhead;
        found = index_.emplace(span->trace, std::prev(recent_.end())).first;
    }
    entry& e = *found->second;
    e.keep = e.keep || span->failed || span->duration >= options_.slow;
    const std::size_t size = span->bytes() + sizeof(finished_span);
    // One endless trace must not push out all others.
    if (e.spans.size() >= options_.max_spans || e.bytes + size > options_.max_bytes / 8) {
        ++e.dropped;
        return;
    }
    e.spans.push_back(span);
    e.bytes += size;
    bytes_ += size;
    if (e.reserved) reserved_bytes_ += size;
}

void trace_store::trim() {
    const auto full = [this] { return recent_.size() > options_.max_traces || bytes_ > options_.max_bytes; };
    while (full() && !recent_.empty()) {
        const auto oldest = recent_.begin();
        if (!oldest->keep || options_.max_reserved == 0) {
            drop(recent_, oldest);
            continue;
        }
        oldest->reserved = true;
        reserved_bytes_ += oldest->bytes;
        reserve_.splice(reserve_.end(), recent_, oldest);
        while (reserve_.size() > options_.max_reserved || reserved_bytes_ > options_.max_bytes / 4)
            drop(reserve_, reserve_.begin());
    }
    while (bytes_ > options_.max_bytes && !reserve_.empty()) drop(reserve_, reserve_.begin());
}

void trace_store::drop(entries& from, entries::iterator at) {
    bytes_ -= at->bytes;
    if (at->reserved) reserved_bytes_ -= at->bytes;
    index_.erase(at->id);
    from.erase(at);
}

trace_summary trace_store::summarise(const entry& e) {
    trace_summary out{.id = e.id, .spans = e.spans.size(), .dropped = e.dropped};
    const span_record* first = nullptr;
    time_point end = time_point::min();
    for (const finished_span& s : e.spans) {
        const bool is_root = s->parent == span_id{};
        const bool have_root = first != nullptr && first->parent == span_id{};
        if (first == nullptr || (is_root && !have_root) || (is_root == have_root && s->start < first->start)) first = s.get();
        if (out.start == time_point{} || s->start < out.start) out.start = s->start;
        end = std::max(end, s->start + std::chrono::ceil<microseconds>(s->duration));
        out.failed = out.failed || s->failed;
        if (const std::string_view service = s->text(semconv::service_name); !service.empty()) out.services.emplace_back(service);
    }
    std::ranges::sort(out.services);
    out.services.erase(std::ranges::unique(out.services).begin(), out.services.end());
    if (first != nullptr) {
        out.name = first->name;
        out.service = first->text(semconv::service_name);
        out.duration = end - out.start;
    }
    return out;
}

std::vector<trace_summary> trace_store::recent(const trace_query& query) const {
    std::vector<trace_summary> out;
    const std::scoped_lock lock(mutex_);
    for (const entries* from : {&recent_, &reserve_}) {
        for (auto e = from->rbegin(); e != from->rend() && out.size() < query.limit; ++e) {
            if (e->spans.empty()) continue;
            trace_summary s = summarise(*e);
            if (matches(s, query)) out.push_back(std::move(s));
        }
    }
    return out;
}

std::optional<stored_trace> trace_store::find(const telemetry::trace_id& id) const {
    stored_trace out;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = index_.find(id);
        if (found == index_.end() || found->second->spans.empty()) return std::nullopt;
        out = {summarise(*found->second), found->second->spans};
    }
    std::ranges::sort(out.spans, {}, [](const finished_span& s) { return std::pair(s->start, s->steady_start); });
    return out;
}

void trace_store::configure(trace_store_options options) {
    const std::scoped_lock lock(mutex_);
    options_ = options;
    trim();
}

void trace_store::clear() {
    const std::scoped_lock lock(mutex_);
    index_.clear();
    recent_.clear();
    reserve_.clear();
    bytes_ = reserved_bytes_ = 0;
}

std::size_t trace_store::size() const {
    const std::scoped_lock lock(mutex_);
    return index_.size();
}

std::size_t trace_store::bytes() const {
    const std::scoped_lock lock(mutex_);
    return bytes_;
}

trace_store& recent_traces() {
    // Never destroyed: threads may record while static objects are being destroyed.
    static auto* const store = new trace_store;
    return *store;
}

}  // namespace bv::telemetry
