// Whatever order requests and the provider's answers come in, and however often, money is conserved.
#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "domains/commerce/payment/model/decide.hpp"

namespace bv::payment {
namespace {

constexpr auto gbp = "GBP"_cur;

// A provider that answers each key once and for good, and what it would have in its books.
struct honest_provider {
    std::map<std::string, outcome> answers;
    std::int64_t captured = 0, refunded = 0;
    int authorised = 0, voids = 0;

    outcome perform(const operation& o, bool willing) {
        const auto [at, fresh] = answers.try_emplace(o.key, outcome{willing, "pa_1", willing ? "" : "no"});
        if (!fresh) return at->second;
        if (o.kind == operation_kind::void_) at->second.done = true;
        if (!at->second.done) return at->second;
        if (o.kind == operation_kind::authorise) ++authorised;
        if (o.kind == operation_kind::capture) captured += o.amount;
        if (o.kind == operation_kind::refund) refunded += o.amount;
        if (o.kind == operation_kind::void_) ++voids;
        return at->second;
    }
};

struct world {
    std::optional<payment> p;
    honest_provider provider;
    std::vector<operation> asked;
    std::map<std::string, std::int64_t> balances;
    std::map<uuid, int> booked;

    void take(const decision& d) {
        RC_ASSERT(broken_invariant(d.next).empty());
        if (!d.ignored.empty()) {
            RC_ASSERT(d.next == *p);
            RC_ASSERT(d.operations.empty() && d.bookings.empty() && d.announcements.empty());
        }
        p = d.next;
        for (const auto& o : d.operations) {
            for (const auto& known : asked) RC_ASSERT(known.key != o.key);  // never asked for twice
            asked.push_back(o);
        }
        for (const auto& t : d.bookings) {
            RC_ASSERT(balanced(t));
            RC_ASSERT(++booked[t.id] == 1);
            for (const auto& e : t.postings) balances[e.account] += e.amount;
        }
    }
};

void step(world& w) {
    const auto order = order_id{uuid::named("o")};
    switch (*rc::gen::inRange(0, 6)) {
        case 0:
            if (!w.p) w.take(open({order, {}, {1000, gbp}, "card_ok"}));
            return;
        case 1:
            w.p ? w.take(decide(*w.p, void_request{})) : w.take(void_unseen(order));
            return;
        case 2:
            if (w.p) w.take(decide(*w.p, capture_request{{*rc::gen::element<std::int64_t>(1000, 1000, 400, 1200), gbp}}));
            return;
        case 3:
            if (w.p) {
                const auto id = "r" + std::to_string(*rc::gen::inRange(0, 4));
                w.take(decide(*w.p, refund_request{id, {*rc::gen::inRange<std::int64_t>(-5, 1100), gbp}}));
            }
            return;
        default: {
            if (w.asked.empty()) return;
            const auto o = w.asked[*rc::gen::inRange<std::size_t>(0, w.asked.size())];
            w.take(decide(*w.p, o, w.provider.perform(o, *rc::gen::weightedElement<bool>({{4, true}, {1, false}}))));
        }
    }
}

void settle(world& w) {
    for (std::size_t i = 0; i < w.asked.size(); ++i) {
        const auto o = w.asked[i];
        w.take(decide(*w.p, o, w.provider.perform(o, true)));
    }
}

TEST(payment_properties, our_books_are_the_providers_books_and_sum_to_zero) {
    EXPECT_TRUE(rc::check([] {
        world w;
        const auto steps = *rc::gen::inRange(1, 30);
        for (int i = 0; i < steps; ++i) step(w);
        settle(w);
        if (!w.p) return;
        std::int64_t sum = 0;
        for (const auto& [account, balance] : w.balances) sum += balance;
        RC_ASSERT(sum == 0);
        RC_ASSERT(w.p->captured == w.provider.captured);
        RC_ASSERT(w.p->refunded == w.provider.refunded);
        RC_ASSERT(-w.balances["sales"] == w.provider.captured);
        RC_ASSERT(w.balances["refunds"] == w.provider.refunded);
        RC_ASSERT(w.provider.captured <= 1000);
        RC_ASSERT(w.provider.voids == 0 || w.provider.captured == 0);
    }));
}

TEST(payment_properties, a_void_always_ends_with_nothing_held_and_nothing_kept) {
    EXPECT_TRUE(rc::check([] {
        world w;
        const auto steps = *rc::gen::inRange(1, 30);
        for (int i = 0; i < steps; ++i) step(w);
        if (!w.p) return;
        w.take(decide(*w.p, void_request{}));
        settle(w);
        const bool refused_refund = std::any_of(w.provider.answers.begin(), w.provider.answers.end(),
                                                [](const auto& a) { return a.first.starts_with("refund:") && !a.second.done; });
        RC_PRE(!refused_refund);  // a provider that refuses to give back is a finding for people
        using enum payment_status;
        const auto s = w.p->status;
        RC_ASSERT(s == declined || s == voided || s == refunded || s == capture_failed);
        RC_ASSERT(w.provider.captured == w.provider.refunded);
    }));
}

}  // namespace
}  // namespace bv::payment
