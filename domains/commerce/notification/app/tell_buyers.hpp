// Tells buyers what became of their orders: one notice and one e-mail, as a job, per outcome, however often it is heard of.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "domains/commerce/notification/app/ports.hpp"
#include "platform/core/clock.hpp"
#include "platform/events/event.hpp"
#include "platform/jobs/job_queue.hpp"

namespace bv::notification {

// The kind of job that deliver_mail does; its id is the notice's.
inline constexpr std::string_view deliver_mail_job = "deliver_mail";

class tell_buyers {
public:
    tell_buyers(notification_store& s, jobs::job_queue& j, clock& c) : store_(s), jobs_(j), clock_(c) {}
    // The event types this consumes, all of the order service.
    [[nodiscard]] static std::vector<std::string> types();
    // A batch in a constant number of statements. Throws failure INVALID_ARGUMENT "MALFORMED_EVENT".
    task<void> operator()(storage::unit_of_work&, std::span<const events::event>);

private:
    notification_store& store_;
    jobs::job_queue& jobs_;
    clock& clock_;
};

}  // namespace bv::notification
