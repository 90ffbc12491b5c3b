// Properties of the saga under any interleaving: the order meets an inventory and a payment service that obey their
// contracts, a customer who cancels and returns, time-outs, and a post that repeats what it delivers.
#include <algorithm>
#include <deque>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "domains/commerce/order/model/decide.hpp"

namespace bv::order {
namespace {

struct world {
    order o;
    std::vector<event> stream;
    std::deque<message> to_inventory, to_payment;
    std::deque<any_reply> from_inventory, from_payment;

    enum class hold { none, rejected, held, sold, gone, expired } stock = hold::none;
    enum class pay { none, authorising, authorised, capturing, captured, declined, failed, voided } payment = pay::none;
    bool void_wanted = false;
    std::int64_t taken = 0, given_back = 0;
    int returns = 0;

    void follow(const decision& d) {
        for (const auto& e : d.events) {
            RC_ASSERT(may_follow(o, e));
            o = evolve(std::move(o), e, {});
            stream.push_back(e);
        }
        for (const auto& m : d.messages) {
            to_inventory.push_back(m);
            to_payment.push_back(m);
        }
    }

    void inventory_turn(bool lucky) {
        if (to_inventory.empty()) return;
        const auto m = to_inventory.front();
        to_inventory.pop_front();
        if (std::holds_alternative<order_placed>(m)) {
            stock = lucky ? hold::held : hold::rejected;
            from_inventory.push_back(lucky ? any_reply{reply::stock_reserved{}} : any_reply{reply::stock_rejected{"short"}});
        } else if (std::holds_alternative<order_confirmed>(m)) {
            if (stock == hold::held || (stock == hold::expired && lucky)) {
                stock = hold::sold;
            } else if (stock == hold::expired) {
                stock = hold::rejected;
                from_inventory.push_back(reply::commit_rejected{"short"});
            }
        } else if (std::holds_alternative<stock_release_requested>(m) && (stock == hold::held || stock == hold::sold)) {
            stock = hold::gone;
            from_inventory.push_back(reply::stock_released{});
        }
    }
    void expire() {
        if (stock != hold::held) return;
        stock = hold::expired;
        from_inventory.push_back(reply::reservation_expired{});
    }

    void give_back(const std::string& id, std::int64_t amount) {
        given_back += amount;
        from_payment.push_back(reply::payment_refunded{"p", id, amount});
    }
    void settle_void() {
        if (payment == pay::authorised) {
            payment = pay::voided;
            from_payment.push_back(reply::payment_voided{"p"});
        } else if (payment == pay::captured && given_back == 0) {
            give_back("void", taken);
        }
    }
    void payment_turn() {
        if (to_payment.empty()) return;
        const auto m = to_payment.front();
        to_payment.pop_front();
        if (std::holds_alternative<payment_requested>(m)) {
            payment = pay::authorising;
        } else if (std::holds_alternative<capture_requested>(m)) {
            if (payment == pay::authorised) payment = pay::capturing;
        } else if (std::holds_alternative<void_requested>(m)) {
            void_wanted = true;
            settle_void();
        } else if (const auto* r = std::get_if<refund_requested>(&m)) {
            give_back(r->refund_id, r->amount);
        }
    }
    void provider_turn(bool lucky) {
        if (payment == pay::authorising) {
            payment = lucky ? pay::authorised : pay::declined;
            from_payment.push_back(lucky ? any_reply{reply::payment_authorised{"p"}} : any_reply{reply::payment_declined{"p", "no"}});
        } else if (payment == pay::capturing) {
            payment = lucky ? pay::captured : pay::failed;
            if (lucky) taken = o.total;
            from_payment.push_back(lucky ? any_reply{reply::payment_captured{"p"}} : any_reply{reply::capture_failed{"p", "no"}});
        }
        if (void_wanted) settle_void();
    }

    void deliver(std::deque<any_reply>& queue, bool twice) {
        if (queue.empty()) return;
        const auto r = queue.front();
        queue.pop_front();
        follow(decide(o, r));
        if (twice) follow(decide(o, r));
    }

    void customer_returns(int which, std::int64_t quantity) {
        const auto& l = o.lines[static_cast<std::size_t>(which) % o.lines.size()];
        const auto d = decide(o, return_lines{"r" + std::to_string(returns++), "", {{l.sku, quantity}}});
        if (d) follow(*d);
    }

    void act(int what, int luck) {
        const bool lucky = luck % 4 != 0;
        switch (what) {
            case 0: case 1: return inventory_turn(lucky);
            case 2: case 3: return payment_turn();
            case 4: case 5: return provider_turn(lucky);
            case 6: case 7: return deliver(from_inventory, luck % 2 == 0);
            case 8: case 9: return deliver(from_payment, luck % 2 == 0);
            case 10: return customer_returns(luck, 1 + luck % 3);
            case 11:
                if (luck % 5 == 0) {
                    if (const auto d = decide(o, cancel{"x"})) follow(*d);
                }
                return;
            case 12:
                if (luck % 5 == 1) follow(*decide(o, time_out{}));
                return;
            default:
                if (luck % 5 == 2) expire();
        }
    }

    // Everything that is under way arrives.
    void settle() {
        for (int i = 0; i < 64; ++i) {
            for (const int what : {0, 2, 4, 6, 8}) act(what, 1);
        }
    }
};

place a_placement(const std::vector<std::pair<int, int>>& lines) {
    place c{order_id{uuid::named("o")}, customer_id{uuid::named("c")}, {}, "GBP"_cur, "card_ok", "", {}, ""};
    c.lines.push_back({"SKU", "Thing", 2, 150});
    int n = 0;
    for (const auto& [quantity, price] : lines) c.lines.push_back({"SKU-" + std::to_string(n++), "Thing", 1 + quantity, price, 0});
    return c;
}

world lived() {
    world w;
    const auto lines = *rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(rc::gen::inRange(0, 9), rc::gen::inRange(0, 5000)));
    const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(rc::gen::inRange(0, 14), rc::gen::inRange(0, 60)));
    w.follow(*decide(w.o, a_placement(lines)));
    for (const auto& [what, luck] : steps) w.act(what, luck);
    return w;
}

RC_GTEST_PROP(saga, any_interleaving_ends_in_a_final_state, ()) {
    auto w = lived();
    w.settle();
    RC_TAG(std::string(name(w.o.status)));
    RC_ASSERT(is_final(w.o.status));
    RC_ASSERT(is_legal_walk(w.stream));
    RC_ASSERT(awaited(w.o) == awaiting::nothing);
}

RC_GTEST_PROP(saga, money_and_stock_are_conserved, ()) {
    auto w = lived();
    w.settle();
    RC_ASSERT(w.o.captured == w.taken);
    RC_ASSERT(w.o.refunded == w.given_back);
    if (w.o.status == status::cancelled) {
        RC_ASSERT(w.o.captured - w.o.refunded == 0);
        RC_ASSERT(w.stock != world::hold::held && w.stock != world::hold::sold);
        RC_ASSERT(!w.o.stock_held && !w.o.payment_open);
    } else {
        RC_ASSERT(w.o.captured == w.o.total);
        RC_ASSERT(w.o.refunded == w.o.returned_amount());
        // All of it came back before it was known that nothing had left.
        RC_ASSERT(w.stock == world::hold::sold || (w.o.status == status::returned && w.stock == world::hold::rejected));
    }
}

RC_GTEST_PROP(saga, never_returns_more_than_was_ordered, ()) {
    const auto w = lived();
    for (const auto& l : w.o.lines) RC_ASSERT(0 <= l.returned && l.returned <= l.quantity);
    RC_ASSERT(w.o.refunded <= w.o.captured && w.o.captured <= w.o.total);
    RC_ASSERT(w.o.version == static_cast<std::int64_t>(w.stream.size()));
}

RC_GTEST_PROP(saga, the_same_events_fold_to_the_same_order, ()) {
    const auto w = lived();
    order once;
    for (const auto& e : w.stream) once = evolve(std::move(once), e, {});
    RC_ASSERT(once == w.o);
    // A state in the middle carries on where it was taken: what snapshots rely on.
    const auto cut = *rc::gen::inRange<std::size_t>(0, w.stream.size() + 1);
    order twice;
    for (std::size_t i = 0; i < cut; ++i) twice = evolve(std::move(twice), w.stream[i], {});
    for (std::size_t i = cut; i < w.stream.size(); ++i) twice = evolve(std::move(twice), w.stream[i], {});
    RC_ASSERT(twice == w.o);
}

RC_GTEST_PROP(legality, allows_no_event_twice_in_a_row_but_returns_and_refunds, ()) {
    const auto w = lived();
    const auto i = *rc::gen::inRange<std::size_t>(0, w.stream.size());
    auto doubled = w.stream;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), w.stream[i]);
    RC_ASSERT(!is_legal_walk(doubled));
}

}  // namespace
}  // namespace bv::order
