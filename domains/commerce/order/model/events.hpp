// What an order's stream consists of. The stored form is in app/stream_codec.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domains/commerce/order/model/types.hpp"

namespace bv::order {

struct order_placed {
    order_id id;
    customer_id customer;
    std::vector<line> lines;  // one per SKU
    bv::currency currency;
    std::int64_t total = 0;  // sum of quantity × unit price
    std::string payment_method;
    std::string external_reference;  // empty: none
    instant ordered_at{};            // now, or what an importer said
    std::string placed_by;           // actor
    friend bool operator==(const order_placed&, const order_placed&) = default;
};
struct stock_reserved {
    friend bool operator==(const stock_reserved&, const stock_reserved&) = default;
};
struct payment_authorised {
    std::string payment_id;
    friend bool operator==(const payment_authorised&, const payment_authorised&) = default;
};
struct payment_captured {
    std::string payment_id;
    friend bool operator==(const payment_captured&, const payment_captured&) = default;
};
struct order_confirmed {
    friend bool operator==(const order_confirmed&, const order_confirmed&) = default;
};
struct order_cancelled {
    cancel_reason reason = cancel_reason::none;
    std::string detail;  // for people
    friend bool operator==(const order_cancelled&, const order_cancelled&) = default;
};
struct returned_line {
    std::string sku;
    std::int64_t quantity = 0;
    std::int64_t unit_price = 0;
    friend bool operator==(const returned_line&, const returned_line&) = default;
};
struct order_returned {
    std::string return_id;
    std::string external_reference;
    std::vector<returned_line> lines;
    std::int64_t amount = 0;
    friend bool operator==(const order_returned&, const order_returned&) = default;
};
struct stock_released {
    friend bool operator==(const stock_released&, const stock_released&) = default;
};
struct payment_voided {
    friend bool operator==(const payment_voided&, const payment_voided&) = default;
};
struct payment_refunded {
    std::string refund_id;
    std::int64_t amount = 0;
    friend bool operator==(const payment_refunded&, const payment_refunded&) = default;
};

using event = std::variant<order_placed, stock_reserved, payment_authorised, payment_captured, order_confirmed, order_cancelled,
                           order_returned, stock_released, payment_voided, payment_refunded>;

// "OrderPlaced", "StockReserved" and so on: the type column of the stream and the API.
[[nodiscard]] std::string_view type_name(const event&) noexcept;

// What the order service tells others. Facts travel as the events above; requests are these.
struct payment_requested {
    friend bool operator==(const payment_requested&, const payment_requested&) = default;
};
struct capture_requested {
    std::string payment_id;
    friend bool operator==(const capture_requested&, const capture_requested&) = default;
};
struct stock_release_requested {
    friend bool operator==(const stock_release_requested&, const stock_release_requested&) = default;
};
struct void_requested {
    friend bool operator==(const void_requested&, const void_requested&) = default;
};
struct refund_requested {
    std::string refund_id;
    std::int64_t amount = 0;
    friend bool operator==(const refund_requested&, const refund_requested&) = default;
};

using message = std::variant<order_placed, payment_requested, capture_requested, stock_release_requested, void_requested, refund_requested,
                             order_confirmed, order_cancelled, order_returned>;

// "PaymentRequested" and so on: the contract's message.
[[nodiscard]] std::string_view type_name(const message&) noexcept;

}  // namespace bv::order
