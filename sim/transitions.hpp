// The transitions of the order's state machine: which there are, and what they are called.
#pragma once

#include <set>
#include <string>

#include "domains/commerce/order/app/ports.hpp"

namespace bv::sim {

// "reserved: PaymentAuthorised", "confirmed: OrderCancelled (customer_request)".
[[nodiscard]] std::string name_of(const order::order& before, const order::event&);

// All that decide() takes an order through, found by trying every command and every reply in every state of small orders.
[[nodiscard]] const std::set<std::string>& all_transitions();

}  // namespace bv::sim
