#include <array>

#include "domains/commerce/order/model/decide.hpp"

namespace bv::order {

std::string_view name(status s) noexcept {
    switch (s) {
        case status::none: return "none";
        case status::placed: return "placed";
        case status::reserved: return "reserved";
        case status::authorised: return "authorised";
        case status::confirmed: return "confirmed";
        case status::cancelled: return "cancelled";
        case status::returned: return "returned";
    }
    return "unknown";
}

std::string_view name(cancel_reason r) noexcept {
    switch (r) {
        case cancel_reason::none: return "none";
        case cancel_reason::customer_request: return "customer_request";
        case cancel_reason::out_of_stock: return "out_of_stock";
        case cancel_reason::payment_declined: return "payment_declined";
        case cancel_reason::timed_out: return "timed_out";
        case cancel_reason::capture_failed: return "capture_failed";
        case cancel_reason::reservation_expired: return "reservation_expired";
    }
    return "unknown";
}

std::string_view name(order_errc e) noexcept {
    switch (e) {
        case order_errc::no_lines: return "no_lines";
        case order_errc::too_many_lines: return "too_many_lines";
        case order_errc::quantity_not_positive: return "quantity_not_positive";
        case order_errc::price_negative: return "price_negative";
        case order_errc::amount_overflow: return "amount_overflow";
        case order_errc::total_not_positive: return "total_not_positive";
        case order_errc::already_placed: return "already_placed";
        case order_errc::not_placed: return "not_placed";
        case order_errc::not_confirmed: return "not_confirmed";
        case order_errc::has_returns: return "has_returns";
        case order_errc::already_returned: return "already_returned";
        case order_errc::unknown_line: return "unknown_line";
        case order_errc::exceeds_ordered: return "exceeds_ordered";
        case order_errc::nothing_to_return: return "nothing_to_return";
    }
    return "unknown";
}

std::string_view name(awaiting a) noexcept {
    switch (a) {
        case awaiting::nothing: return "nothing";
        case awaiting::stock: return "stock";
        case awaiting::authorisation: return "authorisation";
        case awaiting::capture: return "capture";
    }
    return "unknown";
}

// In the order of the variants.
std::string_view type_name(const event& e) noexcept {
    static constexpr std::array<std::string_view, std::variant_size_v<event>> names{
        "OrderPlaced",    "StockReserved", "PaymentAuthorised", "PaymentCaptured", "OrderConfirmed",
        "OrderCancelled", "OrderReturned", "StockReleased",     "PaymentVoided",   "PaymentRefunded"};
    return names[e.index()];
}

std::string_view type_name(const message& m) noexcept {
    static constexpr std::array<std::string_view, std::variant_size_v<message>> names{
        "OrderPlaced",   "PaymentRequested", "CaptureRequested", "StockReleaseRequested", "VoidRequested",
        "RefundRequested", "OrderConfirmed", "OrderCancelled",   "OrderReturned"};
    return names[m.index()];
}

}  // namespace bv::order
