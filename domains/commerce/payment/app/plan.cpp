#include "domains/commerce/payment/app/plan.hpp"

#include <algorithm>

namespace bv::payment {

plan::plan(std::vector<payment> locked, time_point now, const clock& c, rng& r) : now_(now), clock_(c), rng_(r) {
    for (auto& p : locked) {
        refunds_before_.emplace(p.id, p.refunds);
        const auto id = p.id;
        existing_.insert(id);
        payments_.emplace(id, std::move(p));
    }
}

const payment* plan::find(payment_id id) const noexcept {
    const auto at = payments_.find(id);
    return at == payments_.end() ? nullptr : &at->second;
}

void plan::take(const decision& d, std::string_view traceparent) {
    if (!d.ignored.empty()) return;
    payments_.insert_or_assign(d.next.id, d.next);
    changed_.insert(d.next.id);
    for (const auto& o : d.operations) changes_.operations.push_back({o, now_, std::string(traceparent)});
    changes_.bookings.insert(changes_.bookings.end(), d.bookings.begin(), d.bookings.end());
    for (const auto& a : d.announcements) events_.push_back(to_event(d.next, a, uuid::v7(clock_, rng_), traceparent));
}

std::pair<changes, std::vector<events::outgoing>> plan::finish() && {
    for (const auto id : changed_) {
        const auto& p = payments_.at(id);
        const auto& before = refunds_before_[id];
        for (const auto& r : p.refunds) {
            if (std::find(before.begin(), before.end(), r) == before.end()) changes_.refunds.emplace_back(id, r);
        }
        (existing_.contains(id) ? changes_.payments : changes_.opened).push_back(p);
    }
    return {std::move(changes_), std::move(events_)};
}

}  // namespace bv::payment
