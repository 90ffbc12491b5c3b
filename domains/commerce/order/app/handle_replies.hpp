// The saga: what inventory and payment answer moves orders on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domains/commerce/order/app/environment.hpp"
#include "platform/events/event.hpp"

namespace bv::order {

// The full type names of the replies, by their source.
[[nodiscard]] std::vector<std::string> inventory_reply_types();
[[nodiscard]] std::vector<std::string> payment_reply_types();

// The order and the reply of an event; nullopt for a type that is none. Throws failure INVALID_ARGUMENT "MALFORMED_EVENT".
[[nodiscard]] std::optional<std::pair<order_id, any_reply>> read_reply(const bv::events::event&);

// Applies a batch in a constant number of statements; several replies for one order follow each other. Late, repeated and
// unexpected replies change nothing. Throws failure ABORTED "ORDER_CHANGED" when somebody else changed one of the orders:
// the log runs the batch again.
task<void> handle_replies(const environment&, storage::unit_of_work&, std::span<const bv::events::event>);

}  // namespace bv::order
