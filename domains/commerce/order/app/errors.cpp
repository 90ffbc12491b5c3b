#include "domains/commerce/order/app/errors.hpp"

#include <fmt/format.h>

namespace bv::order {
namespace {

error wrong_line(const refusal& r, std::string_view field, std::string what) {
    const auto path = r.line == no_line ? std::string("lines") : fmt::format("lines[{}].{}", r.line, field);
    return invalid({{path, std::move(what)}}).error();
}

error wrong_state(std::string reason, std::string message) { return {code::failed_precondition, std::move(reason), std::move(message), {}, {}}; }

}  // namespace

error to_error(const refusal& r) {
    switch (r.code) {
        case order_errc::no_lines: return wrong_line(r, "", "an order has at least one line");
        case order_errc::too_many_lines: return wrong_line(r, "", fmt::format("an order has at most {} different SKUs; split it", max_lines));
        case order_errc::quantity_not_positive: return wrong_line(r, "quantity", "must be at least 1");
        case order_errc::price_negative: return wrong_line(r, "sku", "has a negative price in the catalogue and cannot be sold");
        case order_errc::amount_overflow: return wrong_line(r, "quantity", "makes the order's amount too large");
        case order_errc::total_not_positive: return wrong_line(r, "", "come to nothing: there must be something to pay");
        case order_errc::already_placed:
            return {code::already_exists, "ORDER_EXISTS", "the order exists already", {}, {}};
        case order_errc::not_placed: return {code::not_found, "ORDER_NOT_FOUND", "there is no such order", {}, {}};
        case order_errc::not_confirmed:
            return wrong_state("ORDER_NOT_CONFIRMED", "only a confirmed order can be returned; while it is under way, cancel it instead");
        case order_errc::has_returns:
            return wrong_state("ORDER_HAS_RETURNS", "lines of the order came back already; return the rest instead of cancelling");
        case order_errc::already_returned: return wrong_state("ORDER_RETURNED", "everything of the order came back already");
        case order_errc::unknown_line: return wrong_line(r, "sku", "is not part of the order");
        case order_errc::exceeds_ordered: {
            auto e = wrong_line(r, "quantity", "is more than was ordered and has not come back yet");
            e.code = code::failed_precondition;
            e.reason = "RETURN_EXCEEDS_ORDER";
            return e;
        }
        case order_errc::nothing_to_return: return wrong_state("NOTHING_TO_RETURN", "no line of the order is left to return");
    }
    return {code::internal, "INTERNAL", "an unknown refusal", {}, {}};
}

std::unexpected<error> not_found(order_id id) {
    return fail(code::not_found, "ORDER_NOT_FOUND", "there is no order " + id.str() + ", or it is another customer's");
}

failure order_changed() { return {code::aborted, order_changed_reason, "the order was changed at the same time; try again"}; }

bool is_order_changed(const error& e) noexcept { return e.code == code::aborted && e.reason == order_changed_reason; }

}  // namespace bv::order
