#include "domains/commerce/payment/app/handover.hpp"

#include <map>

namespace bv::payment {

void handover::drop() noexcept { worker_.release(std::exchange(held_, {}).places); }

void handover::lease(changes& c, time_point now) {
    drop();
    if (c.operations.empty()) return;
    std::map<payment_id, const payment*> payments;
    for (const auto* all : {&c.opened, &c.payments})
        for (const auto& p : *all) payments.emplace(p.id, &p);
    held_.places = worker_.reserve(static_cast<int>(c.operations.size()));
    for (auto& o : c.operations) {
        if (static_cast<int>(held_.operations.size()) == held_.places) {
            held_.more = true;
            break;
        }
        o.leased = true;
        o.due = now + worker_.lease();
        const auto& p = *payments.at(o.op.payment);
        held_.operations.push_back({.op = o.op, .attempts = 1, .order = p.order, .currency = p.amount.currency, .method = p.method,
                                    .provider_reference = p.provider_reference, .traceparent = o.traceparent});
    }
}

}  // namespace bv::payment
