// What an order does when it is commanded or answered. Pure: same order and input, same decision.
#pragma once

#include <expected>
#include <variant>
#include <vector>

#include "domains/commerce/order/model/order.hpp"

namespace bv::order {

// Events for the stream, and messages for the outbox of the same transaction. Both empty: nothing to do.
struct decision {
    std::vector<event> events;
    std::vector<message> messages;
    [[nodiscard]] bool empty() const noexcept { return events.empty() && messages.empty(); }
    friend bool operator==(const decision&, const decision&) = default;
};

// Commands: refused with a reason.

// Lines of the same SKU are added together; names and prices are the catalogue's.
struct place {
    order_id id;
    customer_id customer;
    std::vector<line> lines;
    bv::currency currency;
    std::string payment_method;
    std::string external_reference;
    instant ordered_at{};
    std::string placed_by;
};
// A cancelled order stays as it is. One with returns, or returned, is refused.
struct cancel {
    std::string note;
};
struct return_line {
    std::string sku;
    std::int64_t quantity = 0;
};
// Lines empty: everything that is left. A return_id that was accepted before changes nothing.
struct return_lines {
    std::string return_id;
    std::string external_reference;
    std::vector<return_line> lines;
};
// The saga's step took too long. A final order stays as it is.
struct time_out {};

[[nodiscard]] std::expected<decision, refusal> decide(const order&, const place&);
[[nodiscard]] std::expected<decision, refusal> decide(const order&, const cancel&);
[[nodiscard]] std::expected<decision, refusal> decide(const order&, const return_lines&);
[[nodiscard]] std::expected<decision, refusal> decide(const order&, const time_out&);

// Replies of the other services: one that is late, repeated or not expected decides nothing.
namespace reply {
struct stock_reserved {};
struct stock_rejected {
    std::string shortage;  // for people: "SKU-1: 3 wanted, 1 available"
};
struct payment_authorised {
    std::string payment_id;
};
struct payment_declined {
    std::string payment_id;
    std::string why;
};
struct payment_captured {
    std::string payment_id;
};
struct capture_failed {
    std::string payment_id;
    std::string why;
};
// The hold ended. Of a confirmed order it says nothing: inventory answers the confirmation.
struct reservation_expired {};
// The hold had ended when the confirmation came, and the stock was gone by then.
struct commit_rejected {
    std::string shortage;
};
struct stock_released {};
struct payment_voided {
    std::string payment_id;
};
struct payment_refunded {
    std::string payment_id;
    std::string refund_id;
    std::int64_t amount = 0;
};
}  // namespace reply

using any_reply = std::variant<reply::stock_reserved, reply::stock_rejected, reply::payment_authorised, reply::payment_declined,
                               reply::payment_captured, reply::capture_failed, reply::reservation_expired, reply::commit_rejected,
                               reply::stock_released, reply::payment_voided, reply::payment_refunded>;

[[nodiscard]] decision decide(const order&, const any_reply&);

// What the saga waits for in this state, if anything.
enum class awaiting : std::uint8_t { nothing, stock, authorisation, capture };
[[nodiscard]] awaiting awaited(const order&) noexcept;
[[nodiscard]] std::string_view name(awaiting) noexcept;

// The decision's events folded onto the order.
[[nodiscard]] order apply(order, const decision&, instant at);

}  // namespace bv::order
