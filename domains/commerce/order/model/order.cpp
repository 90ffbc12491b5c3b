#include "domains/commerce/order/model/order.hpp"

#include <algorithm>

namespace bv::order {
namespace {

line* line_of(order& o, std::string_view sku) {
    auto it = std::ranges::find(o.lines, sku, &line::sku);
    return it == o.lines.end() ? nullptr : &*it;
}

// One overload an event: what it changes.
struct evolution {
    order& o;

    void operator()(const order_placed& e) const {
        o.id = e.id;
        o.customer = e.customer;
        o.status = status::placed;
        o.lines = e.lines;
        o.currency = e.currency;
        o.total = e.total;
        o.payment_method = e.payment_method;
        o.external_reference = e.external_reference;
        o.ordered_at = e.ordered_at;
    }
    void operator()(const stock_reserved&) const {
        o.status = status::reserved;
        o.stock_held = true;
    }
    void operator()(const payment_authorised& e) const {
        o.status = status::authorised;
        o.payment_id = e.payment_id;
        o.payment_open = true;
    }
    void operator()(const payment_captured& e) const {
        o.payment_id = e.payment_id;
        o.captured = o.total;
        o.payment_open = true;
    }
    void operator()(const order_confirmed&) const { o.status = status::confirmed; }
    void operator()(const order_cancelled& e) const {
        const auto before = o.status;
        o.status = status::cancelled;
        o.reason = e.reason;
        o.cancel_detail = e.detail;
        // Nothing was held when inventory said so itself.
        const bool inventory_knows = e.reason == cancel_reason::out_of_stock || e.reason == cancel_reason::reservation_expired;
        o.awaits_release = !inventory_knows;
        if (inventory_knows) o.stock_held = false;
        const bool provider_knows = e.reason == cancel_reason::payment_declined || e.reason == cancel_reason::capture_failed;
        o.awaits_void = !provider_knows && (before == status::reserved || before == status::authorised);
        if (provider_knows) o.payment_open = false;
        // With returns there are several refunds: each is counted once, by its id.
        if (!o.returns.empty()) o.returns.push_back({cancel_refund_id(o.id), o.captured == o.returned_amount()});
    }
    void operator()(const order_returned& e) const {
        for (const auto& r : e.lines) {
            if (auto* l = line_of(o, r.sku)) l->returned += r.quantity;
        }
        o.returns.push_back({e.return_id, e.amount == 0});
        const bool all = std::ranges::all_of(o.lines, [](const line& l) { return l.returned >= l.quantity; });
        if (all) {
            o.status = status::returned;
            o.stock_held = false;
        }
    }
    void operator()(const stock_released&) const {
        o.stock_held = false;
        o.awaits_release = false;
    }
    void operator()(const payment_voided&) const {
        o.awaits_void = false;
        o.payment_open = false;
    }
    void operator()(const payment_refunded& e) const {
        o.awaits_void = false;
        o.refunded += e.amount;
        o.payment_open = o.refunded < o.captured;
        for (auto& r : o.returns) {
            if (r.return_id == e.refund_id) r.refunded = true;
        }
    }
};

bool is_well_formed(const order_placed& e) noexcept {
    if (e.lines.empty() || e.lines.size() > max_lines || e.total <= 0) return false;
    money sum{0, e.currency};
    for (const auto& l : e.lines) {
        if (l.quantity <= 0 || l.unit_price < 0 || l.returned != 0) return false;
        const auto amount = money{l.unit_price, e.currency}.times(l.quantity);
        if (!amount) return false;
        const auto next = sum.plus(*amount);
        if (!next) return false;
        sum = *next;
    }
    return sum.minor == e.total;
}

bool may_return(const order& o, const order_returned& e) noexcept {
    if (o.status != status::confirmed || e.lines.empty() || o.has_return(e.return_id)) return false;
    std::int64_t amount = 0;
    for (auto it = e.lines.begin(); it != e.lines.end(); ++it) {
        const auto* l = o.find_line(it->sku);
        const bool repeated = std::any_of(e.lines.begin(), it, [&](const returned_line& r) { return r.sku == it->sku; });
        if (!l || repeated || it->quantity <= 0 || it->quantity > l->quantity - l->returned || it->unit_price != l->unit_price) return false;
        amount += it->quantity * it->unit_price;  // at most the line's amount, which fits
    }
    return amount == e.amount;
}

bool may_cancel(const order& o, cancel_reason reason) noexcept {
    const auto s = o.status;
    const bool running = s == status::placed || s == status::reserved || s == status::authorised;
    switch (reason) {
        case cancel_reason::none: return false;
        case cancel_reason::customer_request: return running || (s == status::confirmed && o.returns.empty());
        case cancel_reason::out_of_stock: return s == status::placed;
        case cancel_reason::payment_declined: return s == status::reserved;
        case cancel_reason::timed_out: return running;
        case cancel_reason::capture_failed: return s == status::authorised;
        case cancel_reason::reservation_expired: return running || s == status::confirmed;
    }
    return false;
}

bool may_refund(const order& o, const payment_refunded& e) noexcept {
    if (e.amount <= 0 || e.amount > o.captured - o.refunded) return false;
    if (o.status == status::cancelled && o.returns.empty()) return true;
    return std::ranges::any_of(o.returns, [&](const accepted_return& r) { return r.return_id == e.refund_id && !r.refunded; });
}

// One overload an event: whether it may come next.
struct legality {
    const order& o;

    bool operator()(const order_placed& e) const noexcept { return o.status == status::none && is_well_formed(e); }
    bool operator()(const stock_reserved&) const noexcept { return o.status == status::placed; }
    bool operator()(const payment_authorised&) const noexcept { return o.status == status::reserved; }
    bool operator()(const payment_captured&) const noexcept {
        return o.captured == 0 && (o.status == status::authorised || (o.status == status::cancelled && o.awaits_void));
    }
    bool operator()(const order_confirmed&) const noexcept { return o.status == status::authorised && o.captured == o.total; }
    // What was captured is confirmed first, so a running order that is cancelled has captured nothing.
    bool operator()(const order_cancelled& e) const noexcept {
        return may_cancel(o, e.reason) && (o.captured == 0 || o.status == status::confirmed);
    }
    bool operator()(const order_returned& e) const noexcept { return may_return(o, e); }
    bool operator()(const stock_released&) const noexcept { return o.status == status::cancelled && o.awaits_release; }
    bool operator()(const payment_voided&) const noexcept { return o.status == status::cancelled && o.awaits_void && o.captured == 0; }
    bool operator()(const payment_refunded& e) const noexcept { return may_refund(o, e); }
};

}  // namespace

std::int64_t order::returned_amount() const noexcept {
    std::int64_t sum = 0;
    for (const auto& l : lines) sum += l.returned * l.unit_price;
    return sum;
}

std::int64_t order::units() const noexcept {
    std::int64_t sum = 0;
    for (const auto& l : lines) sum += l.quantity;
    return sum;
}

std::int64_t order::returned_units() const noexcept {
    std::int64_t sum = 0;
    for (const auto& l : lines) sum += l.returned;
    return sum;
}

bool order::has_return(std::string_view return_id) const noexcept {
    return std::ranges::find(returns, return_id, &accepted_return::return_id) != returns.end();
}

const line* order::find_line(std::string_view sku) const noexcept {
    auto it = std::ranges::find(lines, sku, &line::sku);
    return it == lines.end() ? nullptr : &*it;
}

std::string cancel_refund_id(order_id id) { return uuid::named("order:" + id.str() + ":cancel-refund").str(); }

order evolve(order o, const event& e, instant at) {
    std::visit(evolution{o}, e);
    if (o.version == 0) o.placed_at = at;
    o.updated_at = at;
    ++o.version;
    return o;
}

bool may_follow(const order& o, const event& e) noexcept { return std::visit(legality{o}, e); }

bool is_legal_walk(std::span<const event> events) {
    order o;
    for (const auto& e : events) {
        if (!may_follow(o, e)) return false;
        o = evolve(std::move(o), e, {});
    }
    // Captured and confirmed are decided together: a stream never ends between them.
    return o.exists() && !(o.status == status::authorised && o.captured != 0);
}

}  // namespace bv::order
