#include "platform/events/kafka/partition_feed.hpp"

#include <algorithm>
#include <utility>

#include "platform/core/assert.hpp"
#include "platform/events/kafka/record.hpp"

namespace bv::events::kafka {

void partition_feed::assign(const partition_position& at) {
    {
        const std::lock_guard hold(mutex_);
        auto fresh = std::make_shared<held>();
        fresh->at = at;
        fresh->arrived = at.position;
        if (auto& old = held_[at.partition]) old->revoked = true;
        held_[at.partition] = std::move(fresh);
        ++generation_;
    }
    reader_->notify();
}

void partition_feed::revoke(std::int32_t partition) {
    {
        const std::lock_guard hold(mutex_);
        const auto it = held_.find(partition);
        if (it == held_.end()) return;
        it->second->revoked = true;
        held_.erase(it);
        ++generation_;
    }
    reader_->notify();
}

arrival partition_feed::arrive(std::int32_t partition, std::int64_t offset, std::int64_t position, event_ptr e) {
    const std::lock_guard hold(mutex_);
    const auto it = held_.find(partition);
    if (it == held_.end()) return arrival::not_ours;
    auto& of = *it->second;
    if (of.going_back) return arrival::taken;  // fetched before: it comes again, after what is before it
    // Reading begins at the last record that was applied. When there is another in its place, the topic was made anew.
    if (!std::exchange(of.begun, true) && offset > 0 && offset == of.at.next_offset - 1)
        return position > of.at.position ? arrival::other_topic : arrival::taken;
    if (position == 0) position = of.arrived;  // none of ours: handed on, and moves nothing
    else if (position <= of.arrived) e = nullptr;
    of.arrived = std::max(of.arrived, position);
    ++of.waiting;
    entries_.push_back({it->second, std::move(e), of.arrived, offset, ++last_mark_});
    return of.waiting >= limits_.most_waiting && !std::exchange(of.paused, true) ? arrival::full : arrival::taken;
}

void partition_feed::announce() {
    {
        const std::lock_guard hold(mutex_);
        if (std::exchange(announced_, last_mark_) == last_mark_) return;
    }
    reader_->notify();
}

std::vector<std::int32_t> partition_feed::resumable() {
    const std::lock_guard hold(mutex_);
    return std::exchange(roomy_, {});
}

std::vector<std::pair<std::int32_t, std::int64_t>> partition_feed::to_read_again() {
    const std::lock_guard hold(mutex_);
    for (const auto& [partition, offset] : back_)
        if (const auto it = held_.find(partition); it != held_.end()) it->second->going_back = false;
    return std::exchange(back_, {});
}

void partition_feed::go_back(held& of, const partition_position& to) {
    std::erase_if(entries_, [&of](const entry& e) { return e.of.get() == &of; });
    of.waiting = 0;
    of.arrived = to.position;
    of.begun = of.paused = false;
    of.going_back = true;
    back_.emplace_back(to.partition, std::max<std::int64_t>(0, to.next_offset - 1));
    consumer_->notify();
}

void partition_feed::note_room(held& of) {
    if (!of.paused || of.revoked || of.waiting >= limits_.resume_below) return;
    of.paused = false;
    roomy_.push_back(of.at.partition);
    consumer_->notify();
}

std::int64_t partition_feed::load(const std::vector<partition_position>& stored) {
    const std::lock_guard hold(mutex_);
    for (const auto& s : stored) {
        const auto it = held_.find(s.partition);
        if (it == held_.end()) continue;
        auto& of = *it->second;
        if (s.next_offset < of.at.next_offset) go_back(of, s);
        of.at = s;
        of.arrived = std::max(of.arrived, s.position);
        of.loaded = true;
    }
    const auto is_over = [](const entry& e) {
        if (e.of->revoked) return true;
        // Another instance was here since. A record that moves no position is known by its offset.
        return e.of->loaded && e.offset < e.of->at.next_offset && e.position <= e.of->at.position;
    };
    for (auto& e : entries_)
        if (is_over(e)) --e.of->waiting;
    std::erase_if(entries_, is_over);
    for (auto& [partition, of] : held_) note_room(*of);
    return entries_.empty() ? last_mark_ : entries_.front().mark - 1;
}

std::optional<std::vector<partition_step>> partition_feed::steps(std::int64_t upto) const {
    const std::lock_guard hold(mutex_);
    std::map<std::int32_t, partition_step> out;
    for (const auto& e : entries_) {
        if (e.mark > upto) break;
        if (e.of->revoked || !e.of->loaded) return std::nullopt;
        const auto& at = e.of->at;
        auto& step = out.try_emplace(at.partition, partition_step{at.partition, at.position, at.next_offset, at.position, at.next_offset}).first->second;
        step.to_position = std::max(step.to_position, e.position);
        step.to_offset = e.offset + 1;
    }
    std::vector<partition_step> all;
    for (auto& [partition, step] : out) all.push_back(step);
    return all;
}

std::optional<std::pair<std::int32_t, std::int64_t>> partition_feed::record_of(std::int64_t position) const {
    const std::lock_guard hold(mutex_);
    // What is in hand is at the front.
    for (const auto& e : entries_)
        if (e.event && e.event->position == position) return std::pair(e.of->at.partition, e.offset);
    return std::nullopt;
}

task<supply_slice> partition_feed::take(std::int64_t after, std::vector<std::string> types, std::size_t max) {
    constexpr std::size_t scan_limit = 4'096;  // bounds the time under the lock
    const std::lock_guard hold(mutex_);
    supply_slice out{{}, after, announced_, generation_};
    auto it = std::ranges::upper_bound(entries_, after, {}, &entry::mark);
    for (std::size_t n = 0; it != entries_.end() && n < scan_limit && out.events.size() < max; ++it, ++n) {
        if (it->mark > announced_) break;
        if (it->of->revoked || !it->of->loaded) break;  // the generation tells the reader to load again
        if (it->event && (it->event->type == undecodable_type || matches(types, *it->event))) out.events.push_back({it->event, it->mark});
        out.scanned = it->mark;
    }
    co_return out;
}

std::int64_t partition_feed::head() const {
    const std::lock_guard hold(mutex_);
    return announced_;
}

void partition_feed::applied(std::int64_t upto) {
    const std::lock_guard hold(mutex_);
    while (!entries_.empty() && entries_.front().mark <= upto) drop_front();
}

void partition_feed::drop_front() {
    auto& e = entries_.front();
    auto& of = *e.of;
    of.at.position = std::max(of.at.position, e.position);
    of.at.next_offset = e.offset + 1;
    BV_ASSERT(of.waiting > 0);
    --of.waiting;
    note_room(of);
    entries_.pop_front();
}

}  // namespace bv::events::kafka
