#include "platform/events/rewind.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/events/names.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::events {
namespace {

// The position before the first event at or after the time or position, the last one when there is none; before the oldest one for neither.
// Times do not rise with positions: each is of the clock of its process, and transactions overtake each other.
constexpr std::string_view before_sql = R"(
    SELECT coalesce((SELECT min(position) - 1 FROM {}.outbox WHERE coalesce(time >= $1, position >= $2, true)),
                    (SELECT max(position) FROM {}.outbox), 0))";
constexpr std::string_view count_sql = R"(
    SELECT count(*) FROM {}.outbox WHERE position > $1 AND position <= $2 AND (cardinality($3::text[]) = 0 OR type = ANY ($3)))";
constexpr std::string_view passed_sql = R"(
    SELECT position FROM {}.consumer_passed WHERE group_name = $1 AND source = $2)";
constexpr std::string_view rewind_position_sql = R"(
    UPDATE {}.consumer_position SET position = $3, updated_at = now() WHERE group_name = $1 AND source = $2 AND position > $3)";
// From the beginning of the partition: what is at or below the position is passed over.
constexpr std::string_view rewind_partitions_sql = R"(
    UPDATE {}.consumer_partition SET position = $3, next_offset = 0, updated_at = now() WHERE group_name = $1 AND source = $2 AND position > $3)";

task<void> move_in(storage::unit_of_work* uow, const subscription* s, std::int64_t after) {
    auto& tx = pg::of(*uow);
    tx.send(statement_for(s->consumer, "events.rewind_partitions", rewind_partitions_sql), pg::params(s->group, s->source, after));
    co_await tx.query(statement_for(s->consumer, "events.rewind_position", rewind_position_sql), pg::params(s->group, s->source, after));
}

}  // namespace

result<std::vector<const subscription*>> rewinds::chosen(const std::string& group, const std::string& source, const rewind_target& to) const {
    std::vector<const subscription*> out;
    std::vector<std::string> repeatable;
    bool is_known = false;
    for (const auto& s : log_.subscriptions()) {
        if (s.repeatable && std::ranges::find(repeatable, s.group) == repeatable.end()) repeatable.push_back(s.group);
        is_known = is_known || s.group == group;
        if (s.group == group && (source.empty() || s.source == source)) out.push_back(&s);
    }
    if (!is_known) return fail(code::not_found, "UNKNOWN_GROUP", fmt::format("no consumer group is named \"{}\" here", group));
    if (out.empty()) return fail(code::not_found, "UNKNOWN_SOURCE", fmt::format("group {} does not read \"{}\"", group, source));
    if (!std::ranges::all_of(out, &subscription::repeatable))
        return fail(code::failed_precondition, "NOT_REPEATABLE",
                    fmt::format("group {} does something once for each event, and would do it twice. {}", group,
                                repeatable.empty() ? std::string("None of this process can be rewound") : fmt::format("These can be rewound: {}", fmt::join(repeatable, ", "))));
    if (to.position && out.size() > 1)
        return fail(code::invalid_argument, "AMBIGUOUS_POSITION", fmt::format("group {} reads several sources, and each has its own positions: name one", group));
    return out;
}

task<rewind_step> rewinds::step(const subscription& s, const rewind_target& to) const {
    rewind_step out{s.group, s.source};
    const auto passed = co_await reader_.query(statement_for(s.consumer, "events.passed", passed_sql), pg::params(s.group, s.source));
    if (!passed.empty()) out.passed = passed.front().get<std::int64_t>(0);
    const auto before = co_await reader_.query(statement_for(s.source, "outbox.before", before_sql), pg::params(to.time, to.position));
    out.after = std::min(out.passed, before.front().get<std::int64_t>(0));
    const auto count = co_await reader_.query(statement_for(s.source, "outbox.count", count_sql), pg::params(out.after, out.passed, s.types));
    out.events = count.front().get<std::int64_t>(0);
    co_return out;
}

task<result<std::vector<rewind_step>>> rewinds::plan(std::string group, std::string source, rewind_target to) const {
    const auto subs = chosen(group, source, to);
    if (!subs) co_return std::unexpected(subs.error());
    std::vector<rewind_step> out;
    for (const auto* s : *subs) out.push_back(co_await step(*s, to));
    co_return out;
}

task<result<std::vector<rewind_step>>> rewinds::apply(std::string group, std::string source, rewind_target to) const {
    const auto subs = chosen(group, source, to);
    if (!subs) co_return std::unexpected(subs.error());
    std::vector<rewind_step> out;
    for (const auto* s : *subs) {
        out.push_back(co_await step(*s, to));
        const auto after = out.back().after;
        storage::transaction_options o;
        o.identity = storage::system_identity("service:" + s->consumer);
        co_await s->store->run(std::move(o), [s, after](storage::unit_of_work& uow) { return move_in(&uow, s, after); });
        telemetry::info("events.rewound", {{"group", s->group}, {"source", s->source}, {"from", out.back().passed}, {"to", after}});
    }
    log_.look_again(group);
    co_return out;
}

}  // namespace bv::events
