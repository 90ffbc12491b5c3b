// Events that a group could not apply, and what to do with them. Works on every subscription that it is given, whether
// or not its log runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/events/dead_letter.hpp"
#include "platform/events/log.hpp"
#include "platform/events/log_storage.hpp"

namespace bv::events {

struct dead_letter_filter {
    std::string group{};             // empty: all
    bool unresolved_only = true;
    std::int32_t limit = 100;        // per subscription
};

struct replay_report {
    std::size_t replayed = 0;
    std::size_t failed = 0;          // those after a failed one of the same key are not tried and not counted
    std::string first_error{};
};

// Thread-safe. Calls throw failure when a store is away. Unknown group: NOT_FOUND "UNKNOWN_GROUP".
class dead_letters {
public:
    // changed(group) is called after each replay and discard. The storage outlives it.
    dead_letters(std::vector<subscription> all, log_storage&, std::function<void(const std::string&)> changed = {});

    task<std::vector<dead_letter>> list(dead_letter_filter) const;
    // NOT_FOUND "UNKNOWN_EVENT" when the group has no dead letter of that id.
    task<result<dead_letter>> show(std::string group, uuid id) const;
    // Runs the group's handler on each, one transaction an event, in order per key; what fails stays, with its new error.
    task<result<replay_report>> replay(std::string group, dead_letter_target) const;
    // Marks as not to be applied; how many. Events blocked behind a discarded one stay until they are replayed.
    task<result<std::size_t>> discard(std::string group, dead_letter_target) const;

private:
    [[nodiscard]] std::vector<const subscription*> of_group(const std::string&) const;
    task<void> replay_source(const subscription&, const dead_letter_target&, replay_report&) const;
    void report_change(const std::string& group) const {
        if (changed_) changed_(group);
    }
    std::vector<subscription> all_;
    log_storage* storage_;
    std::function<void(const std::string&)> changed_;
};

}  // namespace bv::events
