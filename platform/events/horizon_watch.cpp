#include "platform/events/horizon_watch.hpp"

#include <algorithm>

#include "platform/telemetry/log.hpp"

namespace bv::events {
namespace {

std::string joined(const std::vector<std::string>& all) {
    std::string out;
    for (const auto& one : all) (out += out.empty() ? "" : ", ") += one;
    return out;
}

void warn(const held_delivery& d, const open_transaction& t) {
    telemetry::warn("events.delivery_held", {{"held_ms", d.held.count()},
                                             {"sources", joined(d.sources)},
                                             {"pid", t.pid},
                                             {"prepared", t.prepared},
                                             {"application", t.application},
                                             {"role", t.role},
                                             {"database", t.database},
                                             {"state", t.state},
                                             {"open_ms", t.open.count()}});
}

}  // namespace

horizon_watch::horizon_watch(const std::vector<std::string>& sources, clock& c, horizon_watch_options o) : clock_(c), options_(o) {
    for (const auto& name : sources)
        sources_.push_back({name, telemetry::measure("bv_events_horizon_stalled_seconds",
                                                     "For how long no event has become safe to read although newer ones are there: a transaction does not end",
                                                     {{"source", name}})});
}

void horizon_watch::observe(std::size_t index, bool waits, std::int64_t read_to) {
    const std::lock_guard lock(mutex_);
    auto& s = sources_.at(index);
    const auto now = clock_.steady_now();
    if (!waits) s.since.reset();
    else if (!s.since || read_to != s.read_to) s.since = now;
    s.read_to = read_to;
    s.stalled.set(s.since ? std::chrono::duration<double>(now - *s.since).count() : 0);
}

void horizon_watch::forget() {
    const std::lock_guard lock(mutex_);
    for (auto& s : sources_) {
        s.since.reset();
        s.stalled.set(0);
    }
}

bool horizon_watch::wants_names() {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    if (!held_at(now)) {
        if (warned_) telemetry::info("events.delivery_resumed");
        by_.clear();
        asked_.reset();
        warned_.reset();
        return false;
    }
    if (asked_ && now - *asked_ < options_.patience) return false;
    asked_ = now;
    return true;
}

void horizon_watch::tell(std::vector<open_transaction> by) {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    by_ = std::move(by);
    const auto held = held_at(now);
    if (!held || (warned_ && now - *warned_ < options_.warn_again)) return;
    warned_ = now;
    for (const auto& t : held->by) warn(*held, t);
    if (held->by.empty()) warn(*held, {});
}

std::optional<held_delivery> horizon_watch::held() const {
    const std::lock_guard lock(mutex_);
    return held_at(clock_.steady_now());
}

std::optional<held_delivery> horizon_watch::held_at(steady_point now) const {
    held_delivery out;
    for (const auto& s : sources_) {
        if (!s.since || now - *s.since < options_.patience) continue;
        out.held = std::max(out.held, std::chrono::floor<milliseconds>(now - *s.since));
        out.sources.push_back(s.name);
    }
    if (out.sources.empty()) return std::nullopt;
    out.by = by_;
    return out;
}

}  // namespace bv::events
