#include "sim/transitions.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace bv::sim {
namespace {

using order::decision;

// Two lines, so that a part can come back before the rest.
order::place a_placement() {
    return {order::order_id{uuid::named("order")}, order::customer_id{uuid::named("customer")},
            {{"A", "A", 1, 100}, {"B", "B", 1, 50}}, *currency::parse("GBP"), "card_ok", "", {}, ""};
}

std::vector<decision> what_may_happen(const order::order& o) {
    namespace reply = order::reply;
    std::vector<decision> out;
    const auto add = [&out](std::expected<decision, order::refusal> d) {
        if (d && !d->events.empty()) out.push_back(std::move(*d));
    };
    add(decide(o, a_placement()));
    add(decide(o, order::cancel{}));
    add(decide(o, order::time_out{}));
    for (const auto* sku : {"A", "B"}) add(decide(o, order::return_lines{std::string("return ") + sku, "", {{sku, 1}}}));
    const std::vector<order::any_reply> replies{reply::stock_reserved{}, reply::stock_rejected{}, reply::payment_authorised{"p"}, reply::payment_declined{"p", ""},
                                                reply::payment_captured{"p"}, reply::capture_failed{"p", ""}, reply::reservation_expired{}, reply::commit_rejected{},
                                                reply::stock_released{}, reply::payment_voided{"p"}};
    for (const auto& r : replies) add(decide(o, r));
    for (const auto& r : o.returns) add(decide(o, reply::payment_refunded{"p", r.return_id, r.return_id == "return A" ? 100 : 50}));
    if (o.exists()) add(decide(o, reply::payment_refunded{"p", order::cancel_refund_id(o.id), o.total - o.returned_amount()}));
    return out;
}

}  // namespace

std::string name_of(const order::order& before, const order::event& e) {
    auto out = fmt::format("{}: {}", order::name(before.status), order::type_name(e));
    if (const auto* c = std::get_if<order::order_cancelled>(&e)) out += fmt::format(" ({})", order::name(c->reason));
    return out;
}

const std::set<std::string>& all_transitions() {
    static const std::set<std::string> all = [] {
        std::set<std::string> names;
        std::vector<order::order> seen;
        std::vector<order::order> open{order::order{}};
        while (!open.empty()) {
            const auto o = std::move(open.back());
            open.pop_back();
            auto state = o;
            state.version = 0;  // the same state, however it was reached
            if (std::ranges::find(seen, state) != seen.end()) continue;
            seen.push_back(std::move(state));
            for (const auto& d : what_may_happen(o)) {
                auto after = o;
                for (const auto& e : d.events) {
                    names.insert(name_of(after, e));
                    after = order::evolve(std::move(after), e, {});
                }
                open.push_back(std::move(after));
            }
        }
        return names;
    }();
    return all;
}

}  // namespace bv::sim
