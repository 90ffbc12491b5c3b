// The order aggregate: the fold of its events.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domains/commerce/order/model/events.hpp"

namespace bv::order {

// A return that was accepted, or the rest of an order that was cancelled after one. Its refund carries the same id.
struct accepted_return {
    std::string return_id;
    bool refunded = false;  // the provider has confirmed the refund
    friend bool operator==(const accepted_return&, const accepted_return&) = default;
};

// Invariants: 0 ≤ refunded ≤ captured ≤ total; captured is 0 or total; confirmed or returned: captured == total;
// every line: 0 ≤ returned ≤ quantity; version is the number of events folded.
struct order {
    order_id id;
    customer_id customer;
    bv::order::status status = bv::order::status::none;
    std::vector<line> lines;
    bv::currency currency;
    std::int64_t total = 0;
    std::string payment_method;
    std::string external_reference;
    instant ordered_at{};
    instant placed_at{};
    instant updated_at{};
    std::int64_t version = 0;

    cancel_reason reason = cancel_reason::none;
    std::string cancel_detail;
    std::string payment_id;

    // What is known of the other services. Compensation that was asked for and not answered yet is `awaits_…`.
    bool stock_held = false;     // inventory holds stock for it, or has sold it
    bool payment_open = false;   // the provider holds or has taken money that was not given back in full
    bool awaits_release = false;
    bool awaits_void = false;    // or, when it was captured meanwhile, a refund of everything
    std::int64_t captured = 0;
    std::int64_t refunded = 0;   // confirmed refunds
    std::vector<accepted_return> returns;

    [[nodiscard]] bool exists() const noexcept { return version > 0; }
    // Units that came back, at the price they were sold for.
    [[nodiscard]] std::int64_t returned_amount() const noexcept;
    [[nodiscard]] std::int64_t units() const noexcept;           // ordered
    [[nodiscard]] std::int64_t returned_units() const noexcept;
    [[nodiscard]] bool has_return(std::string_view return_id) const noexcept;
    [[nodiscard]] const line* find_line(std::string_view sku) const noexcept;
    friend bool operator==(const order&, const order&) = default;
};

// The refund of a cancelled order that was paid: the same id however often it is decided.
[[nodiscard]] std::string cancel_refund_id(order_id);

// The order after one more event, which happened `at`. Total: folds whatever it is given.
[[nodiscard]] order evolve(order, const event&, instant at);

// Whether the event may come next. Every event that decide() returns may.
[[nodiscard]] bool may_follow(const order&, const event&) noexcept;

// Whether the events, in order, are what the state machine can produce. Empty: false.
[[nodiscard]] bool is_legal_walk(std::span<const event>);

}  // namespace bv::order
