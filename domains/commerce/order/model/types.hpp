// The terms of the order service. Pure: no I/O, no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/core/money.hpp"
#include "platform/core/uuid.hpp"

namespace bv::order {

struct order_tag;
struct customer_tag;
using order_id = strong_id<order_tag>;
using customer_id = strong_id<customer_tag>;

using instant = std::chrono::sys_time<std::chrono::microseconds>;  // UTC; the same type as bv::time_point

inline constexpr std::size_t max_lines = 1'200;

// Numbers as in bitvelocity.commerce.order.v1.OrderStatus; `none`: no event yet.
enum class status : std::uint8_t { none = 0, placed = 1, reserved = 2, authorised = 3, confirmed = 4, cancelled = 5, returned = 6 };

// Whether the saga has nothing more to do.
[[nodiscard]] constexpr bool is_final(status s) noexcept {
    return s == status::confirmed || s == status::cancelled || s == status::returned;
}

// Numbers as in bitvelocity.commerce.order.v1.CancelReason.
enum class cancel_reason : std::uint8_t {
    none = 0,
    customer_request = 1,
    out_of_stock = 2,
    payment_declined = 3,
    timed_out = 4,
    capture_failed = 5,
    reservation_expired = 6,
};

// "placed", "out_of_stock": for logs, metrics and tests.
[[nodiscard]] std::string_view name(status) noexcept;
[[nodiscard]] std::string_view name(cancel_reason) noexcept;

// Why a command is refused. None is retriable: the command or the order must change first.
enum class order_errc : std::uint8_t {
    no_lines,               // an order has at least one line
    too_many_lines,         // more than max_lines different SKUs
    quantity_not_positive,  // of the line that the refusal names
    price_negative,         // of the line that the refusal names
    amount_overflow,        // the line's or the order's amount does not fit 64 bits
    total_not_positive,     // nothing to pay
    already_placed,         // the stream exists
    not_placed,             // the stream does not exist
    not_confirmed,          // only what was paid can be returned
    has_returns,            // lines came back: what is left is returned, not cancelled
    already_returned,       // everything came back
    unknown_line,           // the order has no line of this SKU
    exceeds_ordered,        // more comes back than was ordered and has not come back yet
    nothing_to_return,      // no line is left
};
[[nodiscard]] constexpr bool is_retriable(order_errc) noexcept { return false; }
[[nodiscard]] std::string_view name(order_errc) noexcept;

inline constexpr std::size_t no_line = static_cast<std::size_t>(-1);

// A refused command, and which of its lines is to blame.
struct refusal {
    order_errc code;
    std::size_t line = no_line;
};

// What an order line costs is fixed when the order is placed. Amounts are minor units of the order's currency.
struct line {
    std::string sku;
    std::string name;
    std::int64_t quantity = 0;
    std::int64_t unit_price = 0;
    std::int64_t returned = 0;  // 0 ≤ returned ≤ quantity
    friend bool operator==(const line&, const line&) = default;
};

}  // namespace bv::order
