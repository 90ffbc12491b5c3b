// Has a consumer group apply events again: a cache that was lost, a read model whose handler was wrong, an archive that was added late.
// With either log; instances that run notice within seconds.
//
// Only for groups whose effects are the same when they are applied again (subscription::repeatable). What retention has removed from
// the outbox, or from the topic, is not applied again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/events/platform_log.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

// The first event that is to be applied again. Neither: the oldest that is kept.
struct rewind_target {
    std::optional<time_point> time{};
    std::optional<std::int64_t> position{};  // in the source; the group reads one only, or it is named
};

// Of one source of the group.
struct rewind_step {
    std::string group, source;
    std::int64_t passed = 0;  // where the group is
    std::int64_t after = 0;   // where it begins again: the position before the first event, at most `passed`
    std::int64_t events = 0;  // between the two that the group takes
};

// Thread-safe. Errors: NOT_FOUND "UNKNOWN_GROUP", with "UNKNOWN_SOURCE" too; FAILED_PRECONDITION "NOT_REPEATABLE" naming the groups that are;
// INVALID_ARGUMENT "AMBIGUOUS_POSITION". Throws failure while a database is away.
class rewinds {
public:
    // The database as the role bv_log. Both outlive it.
    rewinds(platform_log& l, pg::database& reader) noexcept : log_(l), reader_(reader) {}

    // What apply() would do. source: empty: all of the group.
    task<result<std::vector<rewind_step>>> plan(std::string group, std::string source, rewind_target) const;
    task<result<std::vector<rewind_step>>> apply(std::string group, std::string source, rewind_target) const;

private:
    [[nodiscard]] result<std::vector<const subscription*>> chosen(const std::string& group, const std::string& source, const rewind_target&) const;
    task<rewind_step> step(const subscription&, const rewind_target&) const;

    platform_log& log_;
    pg::database& reader_;
};

}  // namespace bv::events
