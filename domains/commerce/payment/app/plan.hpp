// Collects what the decisions of one batch write, so that it is stored in a constant number of statements.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domains/commerce/payment/app/ports.hpp"
#include "platform/events/event.hpp"

namespace bv::payment {

class plan {
public:
    // `locked`: the payments of the batch that exist.
    plan(std::vector<payment> locked, time_point now, const clock&, rng&);

    // The payment as this batch leaves it so far; nullptr when there is none.
    [[nodiscard]] const payment* find(payment_id) const noexcept;
    // Takes a decision on the payment as find() gives it. Ignored ones change nothing.
    void take(const decision&, std::string_view traceparent);

    [[nodiscard]] changes& writes() noexcept { return changes_; }
    // Call once: the changed payments and refunds join the rest.
    [[nodiscard]] std::pair<changes, std::vector<events::outgoing>> finish() &&;

private:
    time_point now_;
    const clock& clock_;
    rng& rng_;
    std::map<payment_id, payment> payments_;
    std::map<payment_id, std::vector<refund>> refunds_before_;
    std::set<payment_id> existing_, changed_;
    changes changes_;
    std::vector<events::outgoing> events_;
};

// The event that tells others, in the trace of what caused it.
[[nodiscard]] events::outgoing to_event(const payment&, const announcement&, uuid id, std::string_view traceparent);

}  // namespace bv::payment
