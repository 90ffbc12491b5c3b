// The stored form of an order's stream: contract messages Stream…, and OrderSnapshot (order/v1/stream.proto).
#pragma once

#include <string>
#include <string_view>

#include "domains/commerce/order/model/order.hpp"

namespace bv::order {

// The payload of an event; its type is type_name(event).
[[nodiscard]] std::string encode(const event&);
// Throws failure DATA_LOSS "STREAM_CORRUPT" for an unknown type or malformed bytes.
[[nodiscard]] event decode(std::string_view type, std::string_view payload);
// "bitvelocity.commerce.order.v1.StreamOrderPlaced" of "OrderPlaced": what the registry of message types knows.
[[nodiscard]] std::string stream_message_name(std::string_view type);

// Whether a snapshot can say all of an order: confirmed and later, which is where streams grow long.
[[nodiscard]] bool can_snapshot(const order&) noexcept;
// Requires can_snapshot().
[[nodiscard]] std::string encode_snapshot(const order&);
// Throws failure DATA_LOSS "STREAM_CORRUPT".
[[nodiscard]] order decode_snapshot(std::string_view payload);

}  // namespace bv::order
