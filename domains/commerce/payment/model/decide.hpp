// What a payment does when something is asked of it or the provider has answered. Pure: same payment and input, same
// decision. Whatever comes twice, late or out of order changes nothing and says so in `ignored`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domains/commerce/payment/model/ledger.hpp"
#include "domains/commerce/payment/model/payment.hpp"

namespace bv::payment {

// What the order asks for.
struct payment_request {
    order_id order;
    customer_id customer;
    money amount;
    std::string method;  // the provider's token, "card_ok"
};
struct capture_request {
    money amount;
};
struct void_request {};
struct refund_request {
    std::string id;
    money amount;
};
using request = std::variant<capture_request, void_request, refund_request>;

enum class operation_kind : std::uint8_t { authorise, capture, void_, refund };
[[nodiscard]] std::string_view name(operation_kind) noexcept;  // "authorise", "capture", "void", "refund"
[[nodiscard]] std::optional<operation_kind> parse_operation_kind(std::string_view) noexcept;

// Something to be done at the provider, exactly once.
struct operation {
    payment_id payment;
    operation_kind kind = operation_kind::authorise;
    std::string key;             // the Idempotency-Key: the same operation, the same key
    std::int64_t amount = 0;     // minor units of the payment's currency; 0 for a void
    std::string refund_id;       // of a refund
    friend bool operator==(const operation&, const operation&) = default;
};
// "capture:<payment id>", "refund:<payment id>:<refund id>"
[[nodiscard]] std::string operation_key(payment_id, operation_kind, std::string_view refund_id = {});

// What the provider said to an operation. That nothing is known is no outcome: it is asked for.
struct outcome {
    bool done = false;
    std::string reference;  // of an authorisation: the provider's id
    std::string reason;     // why not
};

// What others are told.
namespace told {
struct authorised {
    money amount;
    friend bool operator==(const authorised&, const authorised&) = default;
};
struct declined {
    std::string reason;
    friend bool operator==(const declined&, const declined&) = default;
};
struct captured {
    money amount;
    friend bool operator==(const captured&, const captured&) = default;
};
struct capture_failed {
    std::string reason;
    friend bool operator==(const capture_failed&, const capture_failed&) = default;
};
struct voided {
    friend bool operator==(const voided&, const voided&) = default;
};
struct refunded {
    std::string refund_id;
    money amount;
    friend bool operator==(const refunded&, const refunded&) = default;
};
}  // namespace told
using announcement = std::variant<told::authorised, told::declined, told::captured, told::capture_failed, told::voided, told::refunded>;

struct decision {
    payment next;
    std::vector<operation> operations{};
    std::vector<ledger_transaction> bookings{};
    std::vector<announcement> announcements{};
    std::string_view ignored{};  // why nothing follows; next is then the payment as it was
};

// The first request of an order.
[[nodiscard]] decision open(const payment_request&);
// A void that overtakes the request it is meant for: whatever comes later for this order is ignored.
[[nodiscard]] decision void_unseen(order_id);
[[nodiscard]] decision decide(const payment&, const request&);
// `done` is the operation of this payment that the outcome belongs to.
[[nodiscard]] decision decide(const payment&, const operation& done, const outcome&);

}  // namespace bv::payment
