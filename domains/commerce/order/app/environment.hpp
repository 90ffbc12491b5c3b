// What the use cases of the order service work with.
#pragma once

#include "domains/commerce/order/app/ports.hpp"
#include "platform/core/clock.hpp"
#include "platform/events/outbox.hpp"

namespace bv::order {

// How long the saga waits for each answer before it cancels the order.
struct saga_times {
    milliseconds stock{30'000};
    milliseconds authorisation{60'000};
    milliseconds capture{60'000};
};

// Everything outlives the use cases.
struct environment {
    bv::clock& clock;
    bv::rng& rng;
    storage::transactor& db;
    event_store& streams;
    saga_store& sagas;
    projection_store& projections;
    bv::events::outbox& outbox;
    saga_times times{};
};

}  // namespace bv::order
