// The order saga asks: PaymentRequested, CaptureRequested, VoidRequested, RefundRequested.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "domains/commerce/payment/app/handover.hpp"
#include "domains/commerce/payment/app/ports.hpp"
#include "platform/events/event.hpp"
#include "platform/events/outbox.hpp"

namespace bv::payment {

class handle_order_events {
public:
    handle_order_events(clock& c, rng& r, store& s, events::outbox& o, handover& h) : clock_(c), rng_(r), store_(s), outbox_(o), handover_(h) {}

    // Full names of the types that are handled.
    [[nodiscard]] static std::vector<std::string> types();
    // Stores what follows from a batch, with the operations that the provider is to do, leased for the worker; calls nobody. Deliveries that are
    // repeated or come late change nothing. Throws failure DATA_LOSS "MALFORMED_EVENT" when an event cannot be read.
    task<void> operator()(storage::unit_of_work&, std::span<const events::event>);

private:
    clock& clock_;
    rng& rng_;
    store& store_;
    events::outbox& outbox_;
    handover& handover_;
};

}  // namespace bv::payment
