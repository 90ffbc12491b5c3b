#include <algorithm>

#include "domains/commerce/order/model/decide.hpp"

namespace bv::order {
namespace {

// One overload a reply. What is not expected in the order's state decides nothing.
struct answer {
    const order& o;

    decision operator()(const reply::stock_reserved&) const {
        // Cancelled meanwhile: the release that went out with it follows the reservation in inventory's order of events.
        if (o.status != status::placed) return {};
        return {{stock_reserved{}}, {payment_requested{}}};
    }
    decision operator()(const reply::stock_rejected& r) const {
        if (o.status != status::placed) return nothing_is_held();
        const order_cancelled e{cancel_reason::out_of_stock, r.shortage};
        return {{e}, {e}};
    }
    decision operator()(const reply::payment_authorised& r) const {
        // Cancelled meanwhile: payment holds a void request and obeys it by itself.
        if (o.status != status::reserved) return {};
        return {{payment_authorised{r.payment_id}}, {capture_requested{r.payment_id}}};
    }
    decision operator()(const reply::payment_declined& r) const {
        if (o.status != status::reserved) return nothing_was_taken();
        const order_cancelled e{cancel_reason::payment_declined, r.why};
        return {{e}, {e, stock_release_requested{}}};
    }
    decision operator()(const reply::payment_captured& r) const {
        if (o.status == status::authorised) return {{payment_captured{r.payment_id}, order_confirmed{}}, {order_confirmed{}}};
        // Captured before the void request arrived: payment refunds it, so the stream shows both.
        if (o.status == status::cancelled && o.awaits_void && o.captured == 0) return {{payment_captured{r.payment_id}}, {}};
        return {};
    }
    decision operator()(const reply::capture_failed& r) const {
        if (o.status != status::authorised) return nothing_was_taken();
        const order_cancelled e{cancel_reason::capture_failed, r.why};
        return {{e}, {e, stock_release_requested{}}};
    }
    decision operator()(const reply::reservation_expired&) const {
        if (!o.exists() || is_final(o.status)) return nothing_is_held();
        const order_cancelled e{cancel_reason::reservation_expired, "The stock was held too long without payment."};
        decision d{{e}, {e}};
        if (o.status != status::placed) d.messages.emplace_back(void_requested{});
        return d;
    }
    decision operator()(const reply::commit_rejected& r) const {
        if (o.status != status::confirmed) return nothing_is_held();
        const order_cancelled e{cancel_reason::reservation_expired, "The stock was held too long without payment, and is gone: " + r.shortage};
        decision d{{e}, {e}};
        // Nothing was sold. What came back is being refunded already: the rest goes back, too.
        const auto rest = o.captured - o.returned_amount();
        if (rest > 0) d.messages.emplace_back(refund_requested{cancel_refund_id(o.id), rest});
        return d;
    }
    decision operator()(const reply::stock_released&) const { return nothing_is_held(); }
    decision operator()(const reply::payment_voided&) const { return nothing_was_taken(); }
    decision operator()(const reply::payment_refunded& r) const {
        const payment_refunded e{r.refund_id, r.amount};
        if (o.status != status::cancelled || !o.returns.empty()) return may_follow(o, e) ? decision{{e}, {}} : decision{};
        decision d;
        // A refund proves the capture, even when its own announcement has not been seen.
        if (o.awaits_void && o.captured == 0) d.events.emplace_back(payment_captured{r.payment_id});
        const auto refundable = (d.events.empty() ? o.captured : o.total) - o.refunded;
        if (r.amount <= 0 || r.amount > refundable) return {};
        d.events.emplace_back(e);
        return d;
    }

    // Cancelled meanwhile, with a release on its way: a rejection, an expiry and a release say the same.
    [[nodiscard]] decision nothing_is_held() const {
        if (o.status != status::cancelled || !o.awaits_release) return {};
        return {{stock_released{}}, {}};
    }
    // Cancelled meanwhile, with a void on its way: a decline, a capture that failed and a void say the same.
    [[nodiscard]] decision nothing_was_taken() const {
        if (o.status != status::cancelled || !o.awaits_void || o.captured != 0) return {};
        return {{payment_voided{}}, {}};
    }
};

}  // namespace

decision decide(const order& o, const any_reply& r) { return std::visit(answer{o}, r); }

awaiting awaited(const order& o) noexcept {
    switch (o.status) {
        case status::placed: return awaiting::stock;
        case status::reserved: return awaiting::authorisation;
        case status::authorised: return awaiting::capture;
        case status::none:
        case status::confirmed:
        case status::cancelled:
        case status::returned: break;
    }
    return awaiting::nothing;
}

order apply(order o, const decision& d, instant at) {
    for (const auto& e : d.events) o = evolve(std::move(o), e, at);
    return o;
}

}  // namespace bv::order
