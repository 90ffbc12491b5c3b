// Refusals of the model as errors of the API.
#pragma once

#include <string>

#include "domains/commerce/order/model/types.hpp"
#include "platform/core/error.hpp"

namespace bv::order {

// INVALID_ARGUMENT naming lines[i].… where the input is wrong, FAILED_PRECONDITION where the order's state is.
[[nodiscard]] error to_error(const refusal&);
[[nodiscard]] std::unexpected<error> not_found(order_id);

// What event_store throws when a stream moved on under a use case, which then loads and decides again.
inline constexpr const char* order_changed_reason = "ORDER_CHANGED";
[[nodiscard]] failure order_changed();
[[nodiscard]] bool is_order_changed(const error&) noexcept;

}  // namespace bv::order
