#include "sim/plan.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bv::sim {
namespace {

// How often a fault may happen compared with the others, each time that it could.
double weight(fault f) {
    switch (f) {
        case fault::crash: return 0.02;
        case fault::clock_jump:
        case fault::standstill: return 0.01;
        case fault::log_restart: return 0.05;
        case fault::decline:
        case fault::capture_refused:
        case fault::provider_away:
        case fault::provider_answer_lost:
        case fault::provider_late:
        case fault::late_callback:
        case fault::repeated_callback: return 8;
        case fault::provider_slow: return 2;
        case fault::redelivery:
        case fault::second_run:
        case fault::reordering: return 6;
        case fault::slow_consumer: return 5;
        case fault::slow_database: return 0.5;
        case fault::conflict:
        case fault::request_lost:
        case fault::commit_lost:
        case fault::answer_lost: return 1;
    }
    return 1;
}

// Each seed has weather of its own: some faults often, some never.
fault_rates draw_rates(rng& r) {
    fault_rates out{};
    for (std::size_t i = 0; i < fault_kinds; ++i) {
        const bool never = r.below(3) == 0;
        out[i] = never ? 0.0 : std::min(0.9, r.uniform() * 0.03 * weight(static_cast<fault>(i)));
    }
    return out;
}

std::vector<node_plan> draw_nodes(rng& r) {
    const std::set all{role::orders, role::inventory, role::payment, role::notification};
    if (r.below(3) == 0) return {{"platform-1", all}, {"platform-2", all}};
    std::vector<node_plan> out{{"orders", {role::orders}}, {"inventory", {role::inventory}}, {"payment", {role::payment, role::notification}}};
    if (r.below(2) == 0) out.push_back({"second", {static_cast<role>(r.below(4))}});
    return out;
}

std::vector<basket_line> draw_basket(rng& r) {
    std::vector<basket_line> out;
    const auto wide = r.below(10) == 0;
    for (int i = 0; i < skus; ++i)
        if (wide || r.below(4) == 0) out.push_back({i, 1 + static_cast<int>(r.below(4))});
    if (out.empty()) out.push_back({static_cast<int>(r.below(2)), 1 + static_cast<int>(r.below(3))});
    return out;
}

// Some give everything back, some piece by piece.
std::vector<return_plan> draw_returns(rng& r, const std::vector<basket_line>& basket) {
    std::vector<return_plan> out;
    const auto pause = [&r] { return milliseconds(r.below(4) == 0 ? r.below(12'000) : r.below(1'500)); };
    switch (r.below(7)) {
        case 0: return {{pause(), {}}};
        case 1:
            for (const auto& l : basket)
                for (int i = 0; i < l.quantity; ++i) out.push_back({pause(), {{l.sku, 1}}});
            return out;
        case 2: {
            const auto& l = basket[r.below(basket.size())];
            return {{pause(), {{l.sku, 1 + static_cast<int>(r.below(static_cast<std::uint64_t>(l.quantity) + 1))}}}};
        }
        case 3: {
            const auto& l = basket[r.below(basket.size())];
            return {{pause(), {{l.sku, 1}}}, {pause(), {}}};
        }
        case 4: {  // the same twice: there is no more of it
            const auto& l = basket[r.below(basket.size())];
            return {{pause(), {l}}, {pause(), {l}}};
        }
        default: return {};
    }
}

shopper draw_shopper(rng& r, int number) {
    shopper s{.number = number, .arrives = milliseconds(r.below(32'000)), .basket = draw_basket(r)};
    const auto card = r.below(24);
    s.method = card == 0 ? "card_capture_fails" : card <= 2 ? "card_declined" : "card_ok";
    s.clicks_twice = r.below(3) == 0;
    s.reuses_key = r.below(6) == 0;
    s.looks = r.below(4) == 0;
    s.returns = draw_returns(r, s.basket);
    if (r.below(4) == 0) s.cancels = milliseconds(r.below(3) == 0 ? r.below(10'000) : r.below(800));
    return s;
}

// The first of them come at once; later ones need not. Where stock is scarce, what one order lets go of is another's at once.
std::vector<supply> draw_supplies(rng& r, bool scarce) {
    std::vector<supply> out;
    for (int i = 0; i < skus; ++i) out.push_back({i, milliseconds(0), i, scarce ? 8 : i == 0 ? 12 : i == 1 ? 25 : 80});
    const auto more = r.below(scarce ? 48 : 12);
    for (std::uint64_t i = 0; i < more; ++i) {
        const auto at = milliseconds(1'000 + r.below(30'000));
        const bool loss = r.below(scarce ? 2 : 3) == 0;
        const int sku = static_cast<int>(r.below(r.below(2) == 0 ? 2 : skus));
        out.push_back({static_cast<int>(out.size()), at, sku, (loss ? -1 : 1) * (1 + static_cast<int>(r.below(scarce ? 3 : 8)))});
    }
    return out;
}

std::vector<price_change> draw_prices(rng& r) {
    std::vector<price_change> out;
    const auto n = r.below(8);
    for (std::uint64_t i = 0; i < n; ++i)
        out.push_back({milliseconds(r.below(32'000)), static_cast<int>(r.below(skus)), 50 + static_cast<std::int64_t>(r.below(1'000))});
    return out;
}

}  // namespace

plan draw_plan(std::uint64_t seed) {
    seeded_rng r(seed ^ 0xb0b);
    plan p{.seed = seed, .nodes = draw_nodes(r)};
    const auto count = 10 + r.below(30);
    for (std::uint64_t i = 0; i < count; ++i) p.shoppers.push_back(draw_shopper(r, static_cast<int>(i)));
    const bool scarce = r.below(3) == 0;
    p.supplies = draw_supplies(r, scarce);
    p.prices = draw_prices(r);
    p.rates = draw_rates(r);
    // Where stock is held for no longer than a payment takes, holds end at every moment of a saga.
    if (scarce || r.below(5) == 0) {
        p.hold = seconds(1 + r.below(5));
        // Then news of an end that comes late is what matters: the order is confirmed meanwhile, and its stock another's.
        auto& late = p.rates[static_cast<std::size_t>(fault::slow_consumer)];
        late = std::max(late, 0.2);
    }
    return p;
}

plan apply(plan p, const cuts& c) {
    if (c.shoppers) std::erase_if(p.shoppers, [&](const shopper& s) { return !c.shoppers->contains(s.number); });
    for (const auto f : c.without) p.rates[static_cast<std::size_t>(f)] = 0;
    if (c.without_supplies) std::erase_if(p.supplies, [](const supply& s) { return s.at > milliseconds(0); });
    if (c.without_prices) p.prices.clear();
    if (c.calm_after) p.storm = std::min(p.storm, *c.calm_after);
    if (c.luck) p.seed = *c.luck;
    return p;
}

std::string to_options(const cuts& c) {
    std::string out;
    if (c.shoppers) out += fmt::format(" --shoppers {}", fmt::join(*c.shoppers, ","));
    std::vector<std::string_view> words;
    for (const auto f : c.without) words.push_back(fault_names[static_cast<std::size_t>(f)].id);
    if (c.without_supplies) words.emplace_back("supplies");
    if (c.without_prices) words.emplace_back("prices");
    if (!words.empty()) out += fmt::format(" --without {}", fmt::join(words, ","));
    if (c.calm_after) out += fmt::format(" --calm-after {}", c.calm_after->count());
    if (c.luck) out += fmt::format(" --luck {}", *c.luck);
    return out;
}

std::string leave_out(cuts& c, const std::string& words) {
    for (std::size_t at = 0; at < words.size();) {
        const auto end = std::min(words.find(',', at), words.size());
        const auto word = words.substr(at, end - at);
        if (word == "supplies") c.without_supplies = true;
        else if (word == "prices") c.without_prices = true;
        else if (const auto f = parse_fault(word)) c.without.insert(*f);
        else return word;
        at = end + 1;
    }
    return {};
}

}  // namespace bv::sim
