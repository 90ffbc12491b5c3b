// Placing an order, in two steps: prepare_order() checks who asks for what and prices it, one request at a time;
// place_orders() stores what many prepared, in one transaction.
#pragma once

#include <vector>

#include "domains/commerce/order/app/catalogue.hpp"
#include "domains/commerce/order/app/contract.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::order {

// An order that is decided and not stored yet.
struct placement {
    order_placed what;
    std::string actor;
    std::string traceparent;
    bool derived = false;  // the id comes from the caller's Idempotency-Key, so the order may exist
};

// INVALID_ARGUMENT naming each line that the catalogue does not sell; PERMISSION_DENIED naming the scope when the caller
// orders for others, gives a reference or a date without orders.write.any.
task<result<placement>> prepare_order(const environment&, catalogue&, rpc::context&, contract::PlaceOrderRequest);

// One answer a placement, in order: the order as it is stored. A repeat under the same key gets the order of the first.
// ALREADY_EXISTS "EXTERNAL_REFERENCE_TAKEN" naming the order that has it; INVALID_ARGUMENT "IDEMPOTENCY_KEY_REUSED" when
// the key's order is another. A refused one does not touch the others. Throws when the store is away: then none is placed.
task<std::vector<result<order>>> place_orders(const environment&, std::vector<placement>);

}  // namespace bv::order
