// Tells buyers what became of their orders: one notice and one queued e-mail per outcome, however often it is heard of.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/core/clock.hpp"
#include "platform/events/event.hpp"

namespace bv::notification {

class tell_buyers {
public:
    tell_buyers(notification_store& s, clock& c) : store_(s), clock_(c) {}
    // The event types this consumes, all of the order service.
    [[nodiscard]] static std::vector<std::string> types();
    // A batch in a constant number of statements. Throws failure INVALID_ARGUMENT "MALFORMED_EVENT".
    task<void> operator()(storage::unit_of_work&, std::span<const events::event>);

private:
    notification_store& store_;
    clock& clock_;
};

}  // namespace bv::notification
