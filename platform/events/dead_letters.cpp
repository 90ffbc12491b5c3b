#include "platform/events/dead_letters.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "platform/events/consumer_span.hpp"

namespace bv::events {
namespace {

storage::transaction_options as(const subscription& s, std::string traceparent = {}) {
    storage::transaction_options out;
    out.identity = storage::system_identity("service:" + s.consumer, std::move(traceparent));
    out.isolation = s.isolation;
    return out;
}

std::unexpected<error> unknown_group(const std::string& group) {
    return fail(code::not_found, "UNKNOWN_GROUP", fmt::format("no consumer group is named \"{}\" here", group));
}

// One replay of one event, in the transaction of its effect. The coroutines of one object run one after another.
struct replaying {
    const subscription& sub;
    dead_letter_store& letters;
    consumer_store& positions;
    std::int64_t position;
    bool applied = false;
    std::vector<event> one{};

    task<void> apply(storage::unit_of_work& uow) {
        applied = false;
        co_await positions.lock(uow);  // keeps the live consumer, and other replays, from this group meanwhile
        auto found = co_await letters.take_unresolved(uow, position);
        if (!found) co_return;
        one.assign(1, std::move(*found));
        co_await sub.handler(uow, one);
        letters.mark(uow, position, "replayed");
        applied = true;
    }
    task<void> note_failure(storage::unit_of_work& uow, std::string why) {
        letters.failed_again(uow, position, why);
        co_return;
    }
};

task<std::optional<error>> apply_one(replaying& r, const std::string& traceparent) {
    try {
        co_await r.sub.store->run(as(r.sub, traceparent), [&r](storage::unit_of_work& uow) { return r.apply(uow); });
    } catch (...) {
        co_return current_error();
    }
    co_return std::nullopt;
}

}  // namespace

dead_letters::dead_letters(std::vector<subscription> all, log_storage& s, std::function<void(const std::string&)> changed)
    : all_(std::move(all)), storage_(&s), changed_(std::move(changed)) {}

std::vector<const subscription*> dead_letters::of_group(const std::string& group) const {
    std::vector<const subscription*> out;
    for (const auto& s : all_)
        if (group.empty() || s.group == group) out.push_back(&s);
    return out;
}

task<std::vector<dead_letter>> dead_letters::list(dead_letter_filter filter) const {
    std::vector<dead_letter> out;
    for (const auto* s : of_group(filter.group)) {
        const auto letters = storage_->letters(s->group, s->source, s->consumer);
        auto work = [&](storage::unit_of_work& uow) { return letters->list(uow, filter.unresolved_only, filter.limit); };
        auto some = co_await s->store->transact(as(*s), work);
        std::ranges::move(some, std::back_inserter(out));
    }
    co_return out;
}

task<result<dead_letter>> dead_letters::show(std::string group, uuid id) const {
    const auto subs = of_group(group);
    if (subs.empty()) co_return unknown_group(group);
    for (const auto* s : subs) {
        const auto letters = storage_->letters(s->group, s->source, s->consumer);
        auto work = [&](storage::unit_of_work& uow) { return letters->find(uow, id); };
        auto found = co_await s->store->transact(as(*s), work);
        if (found) co_return std::move(*found);
    }
    co_return fail(code::not_found, "UNKNOWN_EVENT", fmt::format("group {} has no dead letter for event {}", group, id.str()));
}

task<result<replay_report>> dead_letters::replay(std::string group, dead_letter_target target) const {
    const auto subs = of_group(group);
    if (group.empty() || subs.empty()) co_return unknown_group(group);
    replay_report report;
    for (const auto* s : subs) co_await replay_source(*s, target, report);
    report_change(group);
    co_return report;
}

task<void> dead_letters::replay_source(const subscription& s, const dead_letter_target& target, replay_report& report) const {
    const auto letters = storage_->letters(s.group, s.source, s.consumer);
    const auto positions = storage_->positions(s.group, s.source, s.consumer);
    constexpr std::int32_t page = 500;
    std::set<std::string> stuck;  // keys whose replay failed: their later events wait
    std::int64_t after = -1;
    while (true) {
        auto work = [&](storage::unit_of_work& uow) { return letters->unresolved(uow, target, after, page); };
        const auto todo = co_await s.store->transact(as(s), work);
        for (const auto& item : todo) {
            after = item.position;
            if (!item.key.empty() && stuck.contains(item.key)) continue;
            replaying r{s, *letters, *positions, item.position};
            if (const auto broken = co_await apply_one(r, item.traceparent)) {
                ++report.failed;
                stuck.insert(item.key);
                const auto why = fmt::format("{} {}: {}", bv::name(broken->code), broken->reason, broken->message);
                if (report.first_error.empty()) report.first_error = why;
                co_await s.store->run(as(s), [&r, &why](storage::unit_of_work& uow) { return r.note_failure(uow, why); });
            } else if (r.applied) {
                ++report.replayed;
            }
        }
        if (todo.empty()) co_return;  // an event that was parked meanwhile is on the next page
    }
}

task<result<std::size_t>> dead_letters::discard(std::string group, dead_letter_target target) const {
    const auto subs = of_group(group);
    if (group.empty() || subs.empty()) co_return unknown_group(group);
    std::size_t discarded = 0;
    for (const auto* s : subs) {
        const auto letters = storage_->letters(s->group, s->source, s->consumer);
        auto work = [&](storage::unit_of_work& uow) { return letters->discard(uow, target); };
        discarded += static_cast<std::size_t>(co_await s->store->transact(as(*s), work));
    }
    report_change(group);
    co_return discarded;
}

}  // namespace bv::events
