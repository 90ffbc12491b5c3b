// Between the model and the contract's messages.
#pragma once

#include <cstdint>
#include <string>

#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "bitvelocity/commerce/order/v1/order.pb.h"
#include "domains/commerce/order/model/order.hpp"

namespace bv::order {

namespace contract = ::bitvelocity::commerce::order::v1;

void set(google::protobuf::Timestamp&, instant);
[[nodiscard]] instant to_instant(const google::protobuf::Timestamp&) noexcept;
void set(::bitvelocity::type::v1::Money&, bv::currency, std::int64_t minor_units);

enum class with_lines : bool { no, yes };
[[nodiscard]] contract::Order to_contract(const order&, with_lines = with_lines::yes);

// The order that was placed, as events and streams carry it.
[[nodiscard]] contract::OrderPlaced to_contract(const order_placed&);
// Throws failure DATA_LOSS "STREAM_CORRUPT" when ids or the currency cannot be read.
[[nodiscard]] order_placed from_contract(const contract::OrderPlaced&, std::string placed_by);

// Throws failure DATA_LOSS "STREAM_CORRUPT".
[[nodiscard]] order_id parse_order_id(const std::string&);
[[nodiscard]] customer_id parse_customer_id(const std::string&);
[[nodiscard]] bv::currency parse_currency(const std::string&);

}  // namespace bv::order
