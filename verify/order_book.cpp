#include "verify/order_book.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "bitvelocity/commerce/order/v1/stream.pb.h"

namespace bv::verify {
namespace {

namespace contract = ::bitvelocity::commerce::order::v1;

constexpr int held = 1, committed = 2, rejected = 4;
constexpr int told_confirmed = 1, told_cancelled = 2, told_returned = 3;

std::string amount(std::int64_t minor, const std::string& currency) { return fmt::format("{} {}", minor, currency); }

// The first line that differs, as text.
std::string first_difference(const std::map<std::string, order_book::line>& expected, const std::map<std::string, order_book::line>& found, bool of_expected) {
    const auto text = [](const std::string& sku, const order_book::line* l) {
        return l ? fmt::format("{}: {}, of which {} returned", sku, l->quantity, l->returned) : fmt::format("{}: no line", sku);
    };
    const auto line_in = [](const std::map<std::string, order_book::line>& m, const std::string& sku) {
        const auto at = m.find(sku);
        return at == m.end() ? nullptr : &at->second;
    };
    const auto pick = [&](const std::string& sku) { return text(sku, line_in(of_expected ? expected : found, sku)); };
    for (const auto& [sku, l] : expected) {
        const auto* other = line_in(found, sku);
        if (!other || *other != l) return pick(sku);
    }
    for (const auto& [sku, l] : found) {
        if (!expected.contains(sku)) return pick(sku);
    }
    return {};
}

}  // namespace

std::string_view reservation_status(int s) noexcept {
    constexpr std::string_view names[]{"none", "held", "committed", "released", "rejected", "expired"};
    return s >= 0 && s < 6 ? names[s] : "of an unknown status";
}

void order_book::take(std::string_view type, const std::string& payload, const std::string& filed_under) {
    const auto read = [&](auto& m) {
        if (m.ParseFromString(payload)) return true;
        unreadable = std::string(type);
        return false;
    };
    if (type == "OrderPlaced") {
        contract::StreamOrderPlaced m;
        if (!read(m)) return;
        status = "placed";
        customer = m.order().customer_id();
        currency = m.order().total().currency();
        total = m.order().total().minor_units();
        for (const auto& l : m.order().lines()) lines[l.sku()].quantity += l.quantity();
    } else if (type == "StockReserved") {
        status = "reserved";
    } else if (type == "PaymentAuthorised") {
        status = "authorised";
    } else if (type == "PaymentCaptured") {
        ++captures;
    } else if (type == "OrderConfirmed") {
        status = "confirmed";
        was_confirmed = true;
    } else if (type == "OrderCancelled") {
        status = "cancelled";
    } else if (type == "OrderReturned") {
        contract::StreamOrderReturned m;
        if (!read(m)) return;
        returns.push_back(m.return_id());
        returned_amount += m.amount_minor_units();
        for (const auto& l : m.lines()) lines[l.sku()].returned += l.quantity();
        if (std::ranges::all_of(lines, [](const auto& l) { return l.second.returned >= l.second.quantity; })) status = "returned";
    } else if (type == "PaymentRefunded") {
        contract::StreamPaymentRefunded m;
        if (!read(m)) return;
        refunded += m.amount_minor_units();
    } else if (type != "StockReleased" && type != "PaymentVoided") {
        unreadable = std::string(type);
    }
    if (!customer.empty() && filed_under != customer && std::ranges::find(customers, filed_under) == customers.end()) customers.push_back(filed_under);
}

std::vector<violation> compare_stock(const order_book& o, const reservation_row* r) {
    std::vector<violation> out;
    const auto id = "order " + o.id.str();
    // All of an order may come back before it is known that nothing had left.
    const bool never_left = o.status == "returned" && r && r->status == rejected;
    if ((o.status == "confirmed" || o.status == "returned") && !never_left) {
        if (!r || r->status != committed)
            out.push_back({id, "a committed reservation, as it is " + o.status, r ? fmt::format("one that is {}", reservation_status(r->status)) : "none"});
        else if (r->lines != o.lines)
            out.push_back({id, first_difference(o.lines, r->lines, true), first_difference(o.lines, r->lines, false)});
    }
    if (o.status == "cancelled" && r && (r->status == held || r->status == committed))
        out.push_back({id, "nothing held, as it is cancelled", fmt::format("a reservation that is {}", reservation_status(r->status))});
    return out;
}

std::vector<violation> compare_payment(const order_book& o, const payment_row* p) {
    std::vector<violation> out;
    const auto id = "order " + o.id.str();
    if (o.status == "confirmed" || o.status == "returned") {
        const auto expected = "one capture of " + amount(o.total, o.currency);
        if (!p)
            out.push_back({id, expected, "no payment"});
        else if (p->captured != o.total || p->currency != o.currency || p->captures != 1 || p->captured_by_operations != o.total)
            out.push_back({id, expected, fmt::format("{} captured by {} capture{} of {}", amount(p->captured, p->currency), p->captures, p->captures == 1 ? "" : "s",
                                                     p->captured_by_operations)});
        if (o.refunded != o.returned_amount)
            out.push_back({id, fmt::format("{} refunded for what came back", amount(o.returned_amount, o.currency)), fmt::format("{} by its stream", o.refunded)});
    }
    if (p && p->refunded != o.refunded && (p->captured > 0 || o.refunded > 0))
        out.push_back({id, fmt::format("{} refunded, as its stream says", amount(o.refunded, o.currency)), amount(p->refunded, p->currency)});
    if (o.refunded > o.total) out.push_back({id, fmt::format("at most {} refunded", amount(o.total, o.currency)), amount(o.refunded, o.currency)});
    if (o.status == "cancelled" && p) {
        const bool open = p->status == "authorising" || p->status == "authorised" || p->status == "capturing" || p->status == "voiding";
        if (p->captured != p->refunded || open)
            out.push_back({id, "nothing paid and nothing held, as it is cancelled",
                           fmt::format("payment {} is {}: captured {}, refunded {}", p->id, p->status, p->captured, p->refunded)});
    }
    return out;
}

std::vector<violation> compare_told(const order_book& o, const std::vector<told_row>& told) {
    std::vector<violation> out;
    const auto id = "order " + o.id.str();
    const auto count = [&](int kind, const std::string& return_id) {
        return std::ranges::count_if(told, [&](const told_row& t) { return t.kind == kind && t.return_id == return_id; });
    };
    const auto expect = [&](std::int64_t expected, int kind, const std::string& return_id, const std::string& what) {
        const auto found = count(kind, return_id);
        if (found != expected) out.push_back({id, fmt::format("{} notification{} of {}", expected, expected == 1 ? "" : "s", what), fmt::format("{}", found)});
    };
    expect(o.was_confirmed ? 1 : 0, told_confirmed, "", "its confirmation");
    expect(o.status == "cancelled" ? 1 : 0, told_cancelled, "", "its cancellation");
    for (const auto& r : o.returns) expect(1, told_returned, r, "return " + r);
    for (const auto& t : told) {
        if (t.kind == told_returned && std::ranges::find(o.returns, t.return_id) == o.returns.end())
            out.push_back({id, "no notification of a return that was never made", "one of return " + t.return_id});
        if (t.customer != o.customer) out.push_back({id, "its buyer " + o.customer + " told", "customer " + t.customer + " told"});
    }
    return out;
}

std::vector<violation> compare_customers(const order_book& o) {
    std::vector<violation> out;
    const auto id = "order " + o.id.str();
    if (!o.unreadable.empty()) out.push_back({id, "events that can be read", "a " + o.unreadable + " that cannot"});
    for (const auto& c : o.customers) out.push_back({id, "all events filed under its customer " + o.customer, "one under " + c});
    return out;
}

}  // namespace bv::verify
