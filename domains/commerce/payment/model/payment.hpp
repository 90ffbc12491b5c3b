// The payment of one order: what was asked of the payment provider, what it answered, and where that leaves it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/money.hpp"
#include "platform/core/uuid.hpp"

namespace bv::payment {

using payment_id = strong_id<struct payment_tag>;
using order_id = strong_id<struct order_tag>;
using customer_id = strong_id<struct customer_tag>;

// An order has one payment, whose id follows from the order's.
[[nodiscard]] payment_id payment_of(order_id);

// The numbers are those of the contract's PaymentStatus.
enum class payment_status : std::uint8_t {
    authorising = 1,     // the provider was asked, or will be
    authorised = 2,
    declined = 3,        // final
    capturing = 4,
    captured = 5,
    voiding = 6,
    voided = 7,          // final: nothing is held, nothing was taken
    refunded = 8,        // final: all that was captured was given back
    capture_failed = 9,  // final: the provider no longer captures what it authorised
};
[[nodiscard]] std::string_view name(payment_status) noexcept;  // "capture_failed"
[[nodiscard]] std::optional<payment_status> parse_payment_status(std::string_view) noexcept;

enum class refund_state : std::uint8_t {
    requested,  // waits for the capture or for the provider's answer
    settled,
    refused,    // more than is left, another currency, or the provider said no
};
[[nodiscard]] std::string_view name(refund_state) noexcept;
[[nodiscard]] std::optional<refund_state> parse_refund_state(std::string_view) noexcept;

struct refund {
    std::string id;           // the requester's: a repeated request with it changes nothing
    std::int64_t amount = 0;  // minor units of the payment's currency
    refund_state state = refund_state::requested;
    friend bool operator==(const refund&, const refund&) = default;
};

// Amounts are minor units of amount.currency.
struct payment {
    payment_id id;
    order_id order;
    std::optional<customer_id> customer{};  // none: voided before it was ever requested
    payment_status status = payment_status::authorising;
    money amount;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;        // settled refunds only
    std::int64_t wanted_capture = 0;  // a capture asked for before the authorisation is known: done once authorised
    bool void_wanted = false;         // a void asked for while the provider is at work: done after it
    std::string method;
    std::string decline_reason;
    std::string provider_reference;   // the provider's id of the authorisation
    std::vector<refund> refunds;

    // Captured and neither given back nor about to be.
    [[nodiscard]] std::int64_t refundable() const noexcept;
    [[nodiscard]] const refund* find_refund(std::string_view id) const noexcept;
    friend bool operator==(const payment&, const payment&) = default;
};

// Empty when the payment keeps its invariants, else which one it breaks.
[[nodiscard]] std::string_view broken_invariant(const payment&) noexcept;

}  // namespace bv::payment
