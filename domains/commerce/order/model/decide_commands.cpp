#include <unordered_map>

#include "domains/commerce/order/model/decide.hpp"

namespace bv::order {
namespace {

std::unexpected<refusal> refuse(order_errc code, std::size_t at = no_line) { return std::unexpected(refusal{code, at}); }

struct merged {
    std::vector<line> lines;
    std::int64_t total = 0;
};

// Lines of one SKU added together in the order of their first, and what they cost.
std::expected<merged, refusal> merge(const std::vector<line>& lines, bv::currency currency) {
    if (lines.empty()) return refuse(order_errc::no_lines);
    merged out;
    out.lines.reserve(lines.size());
    std::unordered_map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto& l = lines[i];
        if (l.quantity <= 0) return refuse(order_errc::quantity_not_positive, i);
        if (l.unit_price < 0) return refuse(order_errc::price_negative, i);
        const auto [it, first] = index.try_emplace(l.sku, out.lines.size());
        if (first) out.lines.push_back({l.sku, l.name, 0, l.unit_price, 0});
        auto& m = out.lines[it->second];
        if (__builtin_add_overflow(m.quantity, l.quantity, &m.quantity)) return refuse(order_errc::amount_overflow, i);
        const auto amount = money{m.unit_price, currency}.times(l.quantity);
        if (!amount) return refuse(order_errc::amount_overflow, i);
        const auto total = amount->plus({out.total, currency});
        if (!total) return refuse(order_errc::amount_overflow, i);
        out.total = total->minor;
    }
    if (out.lines.size() > max_lines) return refuse(order_errc::too_many_lines);
    if (out.total <= 0) return refuse(order_errc::total_not_positive);
    return out;
}

// Everything that has not come back yet.
std::vector<return_line> rest_of(const order& o) {
    std::vector<return_line> rest;
    for (const auto& l : o.lines) {
        if (l.returned < l.quantity) rest.push_back({l.sku, l.quantity - l.returned});
    }
    return rest;
}

// The decision to cancel a running order, with what must be undone.
decision cancel_running(const order& o, cancel_reason reason, std::string detail) {
    order_cancelled cancelled{reason, std::move(detail)};
    decision d{{cancelled}, {cancelled, stock_release_requested{}}};
    if (o.status != status::placed) d.messages.emplace_back(void_requested{});
    return d;
}

}  // namespace

std::expected<decision, refusal> decide(const order& o, const place& c) {
    if (o.exists()) return refuse(order_errc::already_placed);
    auto lines = merge(c.lines, c.currency);
    if (!lines) return std::unexpected(lines.error());
    order_placed placed{c.id,           c.customer,           std::move(lines->lines), c.currency, lines->total,
                        c.payment_method, c.external_reference, c.ordered_at,            c.placed_by};
    decision d;
    d.events.emplace_back(placed);
    d.messages.emplace_back(std::move(placed));
    return d;
}

std::expected<decision, refusal> decide(const order& o, const cancel& c) {
    switch (o.status) {
        case status::none: return refuse(order_errc::not_placed);
        case status::cancelled: return decision{};
        case status::returned: return refuse(order_errc::already_returned);
        case status::placed:
        case status::reserved:
        case status::authorised: return cancel_running(o, cancel_reason::customer_request, c.note);
        case status::confirmed: break;
    }
    if (!o.returns.empty()) return refuse(order_errc::has_returns);
    order_cancelled cancelled{cancel_reason::customer_request, c.note};
    return decision{{cancelled}, {cancelled, stock_release_requested{}, refund_requested{cancel_refund_id(o.id), o.captured - o.refunded}}};
}

std::expected<decision, refusal> decide(const order& o, const return_lines& c) {
    if (!o.exists()) return refuse(order_errc::not_placed);
    if (o.has_return(c.return_id)) return decision{};
    if (o.status == status::returned) return refuse(order_errc::already_returned);
    if (o.status != status::confirmed) return refuse(order_errc::not_confirmed);
    const auto wanted = c.lines.empty() ? rest_of(o) : c.lines;
    if (wanted.empty()) return refuse(order_errc::nothing_to_return);

    order_returned e{c.return_id, c.external_reference, {}, 0};
    std::unordered_map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto& w = wanted[i];
        if (w.quantity <= 0) return refuse(order_errc::quantity_not_positive, i);
        const auto* l = o.find_line(w.sku);
        if (!l) return refuse(order_errc::unknown_line, i);
        const auto [it, first] = index.try_emplace(w.sku, e.lines.size());
        if (first) e.lines.push_back({l->sku, 0, l->unit_price});
        auto& r = e.lines[it->second];
        if (w.quantity > l->quantity - l->returned - r.quantity) return refuse(order_errc::exceeds_ordered, i);
        r.quantity += w.quantity;
        e.amount += w.quantity * l->unit_price;  // at most the order's total, which fits
    }
    decision d{{e}, {e}};
    if (e.amount > 0) d.messages.emplace_back(refund_requested{e.return_id, e.amount});
    return d;
}

std::expected<decision, refusal> decide(const order& o, const time_out&) {
    if (!o.exists()) return refuse(order_errc::not_placed);
    if (is_final(o.status)) return decision{};
    return cancel_running(o, cancel_reason::timed_out, "No answer in time while waiting for " + std::string(name(awaited(o))) + ".");
}

}  // namespace bv::order
