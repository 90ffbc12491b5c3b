// A log that a platform runs on: the port, and what those who look after it need.
#pragma once

#include <span>
#include <string>

#include "platform/events/dead_letters.hpp"
#include "platform/events/log.hpp"

namespace bv::events {

class platform_log : public log {
public:
    [[nodiscard]] virtual std::span<const subscription> subscriptions() const = 0;
    // The group's positions were moved: this process looks where it is now. Others do within seconds. Thread-safe.
    virtual void look_again(const std::string& group) = 0;
    // Of all subscriptions so far.
    [[nodiscard]] virtual dead_letters letters() = 0;
    // Why events wait although nothing is lost and producers go on, and what to do; empty when all is well.
    [[nodiscard]] virtual std::string trouble() const { return {}; }
};

// Throws failure INVALID_ARGUMENT for a subscription without handler, store, name, or with the group and source of another.
void check_subscription(const subscription&, std::span<const subscription> others);

// The same for an observer without both functions.
void check_observer(const observer&);

}  // namespace bv::events
