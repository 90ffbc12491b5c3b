#include "platform/events/platform_log.hpp"

#include <fmt/format.h>

#include "platform/events/names.hpp"

namespace bv::events {

void check_subscription(const subscription& s, std::span<const subscription> others) {
    check_service_name(s.source);
    check_service_name(s.consumer);
    if (s.group.empty() || !s.handler || !s.store || s.max_batch == 0 || s.retry.attempts < 1)
        throw failure(code::invalid_argument, "BAD_SUBSCRIPTION",
                      fmt::format("the subscription of \"{}\" to {} needs a group, a handler, a store, max_batch > 0 and at least one attempt",
                                  s.group, s.source));
    for (const auto& other : others)
        if (other.group == s.group && other.source == s.source)
            throw failure(code::invalid_argument, "BAD_SUBSCRIPTION",
                          fmt::format("group {} subscribes to {} twice: a group has one position per source, so handle all types in one",
                                      s.group, s.source));
}

void check_observer(const observer& o) {
    check_service_name(o.source);
    if (!o.seen || !o.missed)
        throw failure(code::invalid_argument, "BAD_SUBSCRIPTION", fmt::format("an observer of {} needs both functions: what it missed is as important as what it sees", o.source));
}

}  // namespace bv::events
