// The saga over both stores: replies in batches, repeated and late; time-outs; cancel and return.
#include "domains/commerce/order/adapters/shop.hpp"
#include "domains/commerce/order/app/cancel_order.hpp"
#include "domains/commerce/order/app/return_order.hpp"
#include "domains/commerce/order/app/time_out_orders.hpp"

namespace bv::order::testing {
namespace {

class saga : public over_backends {};
INSTANTIATE_TEST_SUITE_P(stores, saga, ::testing::Values("memory", "postgres"), [](const auto& p) { return p.param; });

using strings = std::vector<std::string>;

contract::CancelOrderRequest a_cancel(order_id id) {
    contract::CancelOrderRequest r;
    r.set_id(id.str());
    r.set_note("changed my mind");
    return r;
}
contract::ReturnOrderRequest a_return(order_id id, std::string sku, std::int64_t quantity, std::string reference) {
    contract::ReturnOrderRequest r;
    r.set_id(id.str());
    auto& l = *r.add_lines();
    l.set_sku(std::move(sku));
    l.set_quantity(quantity);
    r.set_external_reference(std::move(reference));
    return r;
}

task<void> many_in_one_batch(backend& b) {
    std::vector<order_id> ids;
    std::vector<bv::events::event> replies;
    for (int i = 0; i < 5; ++i) ids.push_back(co_await an_order(b.env()));
    for (const auto& id : ids) replies.push_back(from_inventory<inv::StockReserved>(id));
    for (const auto& id : ids) {
        replies.push_back(from_payment<pay::PaymentAuthorised>(id));
        replies.push_back(from_payment<pay::PaymentAuthorised>(id));
        replies.push_back(from_payment<pay::PaymentCaptured>(id));
    }
    replies.push_back(from_inventory<inv::StockReserved>(order_id{uuid::named("nobody's")}));
    co_await deliver(b.env(), replies);
    for (const auto& id : ids) {
        const auto o = co_await current(b.env(), id);
        EXPECT_EQ(o.status, status::confirmed);
        EXPECT_EQ(o.version, 5);
        EXPECT_EQ(o.captured, 2500);
        EXPECT_EQ(types_of(co_await b.published(), id), (strings{"OrderPlaced", "PaymentRequested", "CaptureRequested", "OrderConfirmed"}));
    }
}
TEST_P(saga, several_replies_for_each_of_many_orders_work_in_one_batch) { run(many_in_one_batch); }

task<void> repeated_and_late(backend& b) {
    const auto id = co_await an_order(b.env());
    co_await confirm(b.env(), id);
    const auto before = co_await current(b.env(), id);
    co_await confirm(b.env(), id);
    std::vector<bv::events::event> late{from_inventory<inv::StockRejected>(id), from_inventory<inv::StockReleased>(id), from_payment<pay::PaymentDeclined>(id),
                                        from_payment<pay::CaptureFailed>(id), from_payment<pay::PaymentVoided>(id)};
    co_await deliver(b.env(), std::move(late));
    EXPECT_EQ(co_await current(b.env(), id), before);
}
TEST_P(saga, repeated_and_late_replies_change_nothing) { run(repeated_and_late); }

task<void> a_hold_that_ended_too_soon(backend& b) {
    const auto id = co_await an_order(b.env());
    co_await confirm(b.env(), id);
    // The hold's end alone decides nothing any more: inventory may have the stock still when it hears of the confirmation.
    co_await deliver(b.env(), {from_inventory<inv::ReservationExpired>(id)});
    EXPECT_EQ((co_await current(b.env(), id)).status, status::confirmed);
    co_await deliver(b.env(), {from_inventory<inv::StockCommitRejected>(id), from_inventory<inv::StockCommitRejected>(id)});
    const auto o = co_await current(b.env(), id);
    EXPECT_EQ(o.status, status::cancelled);
    EXPECT_EQ(o.reason, cancel_reason::reservation_expired);
    EXPECT_FALSE(o.stock_held || o.awaits_release || o.awaits_void);
    EXPECT_EQ(types_of(co_await b.published(), id).back(), "RefundRequested");
}
TEST_P(saga, a_hold_that_ended_before_the_confirmation_reached_it_is_refunded_when_the_stock_is_gone) { run(a_hold_that_ended_too_soon); }

// A part came back before inventory could say that nothing had left: that part and the rest are refunded, each once.
task<void> a_return_before_the_stock_was_gone(backend& b) {
    const auto id = co_await an_order(b.env());
    co_await confirm(b.env(), id);
    auto ctx = a_shopper();
    EXPECT_TRUE(co_await return_order(b.env(), ctx, a_return(id, "A", 1, "r1")));
    co_await deliver(b.env(), {from_inventory<inv::StockCommitRejected>(id)});
    auto o = co_await current(b.env(), id);
    EXPECT_EQ(o.status, status::cancelled);
    const auto back = o.returns.front().return_id;
    co_await deliver(b.env(), {refunded(id, back, 1000), refunded(id, back, 1000)});
    EXPECT_EQ((co_await current(b.env(), id)).refunded, 1000);
    co_await deliver(b.env(), {refunded(id, cancel_refund_id(id), 1500), refunded(id, cancel_refund_id(id), 1500)});
    o = co_await current(b.env(), id);
    EXPECT_EQ(o.refunded, 2500);
    EXPECT_FALSE(o.stock_held || o.payment_open || o.awaits_release || o.awaits_void);
}
TEST_P(saga, an_order_with_returns_whose_stock_is_gone_is_refunded_once_and_whole) { run(a_return_before_the_stock_was_gone); }

task<void> compensates(backend& b) {
    const auto id = co_await an_order(b.env());
    co_await deliver(b.env(), {from_inventory<inv::StockReserved>(id), from_payment<pay::PaymentAuthorised>(id)});
    auto ctx = a_shopper();
    const auto cancelled = co_await cancel_order(b.env(), ctx, a_cancel(id));
    EXPECT_TRUE(cancelled);
    if (!cancelled) co_return;
    EXPECT_EQ(cancelled->status(), contract::ORDER_STATUS_CANCELLED);
    EXPECT_EQ(ctx.etag, "4");
    // The capture was in flight: payment refunds it.
    co_await deliver(b.env(), {from_payment<pay::PaymentCaptured>(id), refunded(id, "void", 2500), from_inventory<inv::StockReleased>(id)});
    const auto o = co_await current(b.env(), id);
    EXPECT_EQ(o.status, status::cancelled);
    EXPECT_EQ(o.captured - o.refunded, 0);
    EXPECT_FALSE(o.stock_held || o.payment_open || o.awaits_void || o.awaits_release);
    EXPECT_EQ(types_of(co_await b.published(), id),
              (strings{"OrderPlaced", "PaymentRequested", "CaptureRequested", "OrderCancelled", "StockReleaseRequested", "VoidRequested",
                       "StreamPaymentCaptured", "StreamPaymentRefunded", "StreamStockReleased"}));
}
TEST_P(saga, a_cancel_while_the_capture_is_in_flight_nets_to_zero) { run(compensates); }

task<void> tells_why(backend& b) {
    const auto id = co_await an_order(b.env());
    inv::StockRejected m;
    m.set_order_id(id.str());
    auto& s = *m.add_shortages();
    s.set_sku("A");
    s.set_wanted(2);
    s.set_available(1);
    co_await deliver(b.env(), {answer("inventory", id, m)});
    const auto o = co_await current(b.env(), id);
    EXPECT_EQ(o.reason, cancel_reason::out_of_stock);
    EXPECT_EQ(o.cancel_detail, "A: 2 wanted, 1 available");
}
TEST_P(saga, a_stock_out_says_which_line_was_short) { run(tells_why); }

task<void> times_out(backend& b) {
    const auto waits = co_await an_order(b.env());
    const auto goes_on = co_await an_order(b.env());
    const auto done = co_await an_order(b.env());
    co_await confirm(b.env(), done);
    b.clock.advance(std::chrono::seconds(20));
    co_await deliver(b.env(), {from_inventory<inv::StockReserved>(goes_on)});
    EXPECT_EQ(co_await time_out_orders(b.env()), 0);
    b.clock.advance(std::chrono::seconds(11));
    EXPECT_EQ(co_await time_out_orders(b.env()), 1);
    EXPECT_EQ((co_await current(b.env(), waits)).reason, cancel_reason::timed_out);
    EXPECT_EQ((co_await current(b.env(), goes_on)).status, status::reserved);
    b.clock.advance(std::chrono::seconds(50));
    EXPECT_EQ(co_await time_out_orders(b.env()), 1);
    EXPECT_EQ((co_await current(b.env(), goes_on)).reason, cancel_reason::timed_out);
    EXPECT_EQ((co_await current(b.env(), done)).status, status::confirmed);
    EXPECT_EQ(co_await time_out_orders(b.env()), 0);
    EXPECT_EQ(types_of(co_await b.published(), goes_on),
              (strings{"OrderPlaced", "PaymentRequested", "OrderCancelled", "StockReleaseRequested", "VoidRequested"}));
}
TEST_P(saga, a_step_without_answer_times_out) { run(times_out); }

task<void> returns_once(backend& b) {
    const auto id = co_await an_order(b.env());
    auto ctx = a_shopper();
    EXPECT_EQ((co_await return_order(b.env(), ctx, a_return(id, "A", 1, "C1"))).error().reason, "ORDER_NOT_CONFIRMED");
    co_await confirm(b.env(), id);
    const auto first = co_await return_order(b.env(), ctx, a_return(id, "A", 1, "C1"));
    const auto again = co_await return_order(b.env(), ctx, a_return(id, "A", 1, "C1"));
    EXPECT_TRUE(first && again);
    if (!first || !again) co_return;
    EXPECT_EQ(first->lines(0).returned_quantity(), 1);
    EXPECT_EQ(again->version(), first->version());
    const auto too_many = co_await return_order(b.env(), ctx, a_return(id, "A", 2, "C2"));
    EXPECT_FALSE(too_many);
    if (!too_many) EXPECT_EQ(too_many.error().violations.front().field, "lines[0].quantity");
    auto cancel_ctx = a_shopper();
    EXPECT_EQ((co_await cancel_order(b.env(), cancel_ctx, a_cancel(id))).error().reason, "ORDER_HAS_RETURNS");
    const auto o = co_await current(b.env(), id);
    co_await deliver(b.env(), {refunded(id, o.returns.front().return_id, 1000), refunded(id, o.returns.front().return_id, 1000)});
    EXPECT_EQ((co_await current(b.env(), id)).refunded, 1000);
}
TEST_P(saga, the_same_return_twice_is_one) { run(returns_once); }

task<void> many_returns(backend& b) {
    const auto placed_order = co_await placed(b.env(), a_shopper(), a_request({{"A", 40}}));
    const auto id = placed_order->id;
    co_await confirm(b.env(), id);
    for (int i = 0; i < 20; ++i) {
        auto ctx = a_shopper();
        EXPECT_TRUE(co_await return_order(b.env(), ctx, a_return(id, "A", 1, "C" + std::to_string(i))));
        b.clock.advance(std::chrono::milliseconds(3));
        const auto o = co_await current(b.env(), id);
        co_await deliver(b.env(), {refunded(id, o.returns.back().return_id, 1000)});
    }
    // Loaded from a snapshot and what follows it, the order is the fold of all its events.
    const auto loaded = co_await current(b.env(), id);
    EXPECT_EQ(loaded.version, 45);
    order folded;
    const auto& env = b.env();
    const auto events = co_await env.db.transact(as_system(), [&](storage::unit_of_work& uow) { return env.streams.read(uow, id, 0, 1000); });
    for (const auto& e : events) folded = evolve(std::move(folded), e.what, e.at);
    EXPECT_EQ(loaded, folded);
    EXPECT_EQ(loaded.refunded, 20'000);
}
TEST_P(saga, a_long_stream_loads_from_its_snapshot) { run(many_returns); }

task<void> if_match(backend& b) {
    const auto id = co_await an_order(b.env());
    auto stale = a_shopper();
    stale.if_match = "7";
    const auto refused = co_await cancel_order(b.env(), stale, a_cancel(id));
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().reason, "ETAG_MISMATCH");
    auto fresh = a_shopper();
    fresh.if_match = "1";
    EXPECT_TRUE(co_await cancel_order(b.env(), fresh, a_cancel(id)));
    auto again = a_shopper();
    EXPECT_TRUE(co_await cancel_order(b.env(), again, a_cancel(id))) << "already as wanted";
    auto other = a_shopper(bob);
    EXPECT_EQ((co_await cancel_order(b.env(), other, a_cancel(id))).error().code, code::not_found);
}
TEST_P(saga, a_cancel_honours_if_match_and_whose_order_it_is) { run(if_match); }

append_entry entry(order_id id, std::int64_t expected, event what) { return {id, alice, expected, {std::move(what)}, {}, "test", "", {}}; }

task<void> conflicts(backend& b) {
    const auto& env = b.env();
    const auto id = co_await an_order(env);
    const auto other = co_await an_order(env);
    std::string reason;
    try {
        std::vector<append_entry> both{entry(other, 1, stock_reserved{}), entry(id, 0, stock_reserved{})};
        co_await env.db.run(as_system(), [&](storage::unit_of_work& uow) { return env.streams.append(uow, both); });
    } catch (const failure& e) {
        reason = e.error().reason;
    }
    EXPECT_EQ(reason, "ORDER_CHANGED");
    EXPECT_EQ((co_await current(env, other)).version, 1) << "nothing of a conflicting append is kept";
}
TEST_P(saga, an_append_at_a_stale_version_is_refused_whole) { run(conflicts); }

task<void> interleave(const environment& env, storage::unit_of_work& uow, order_id id) {
    const auto mine = co_await load_one(env, uow, id);
    // Somebody else is faster.
    auto ctx = a_shopper();
    EXPECT_TRUE(co_await cancel_order(env, ctx, a_cancel(id)));
    std::vector<append_entry> one{entry(id, mine.front().version, stock_reserved{})};
    co_await env.streams.append(uow, std::move(one));
}
task<void> two_writers(backend& b) {
    const auto& env = b.env();
    const auto id = co_await an_order(env);
    std::string reason;
    try {
        co_await env.db.run(as_system(), [&](storage::unit_of_work& uow) { return interleave(env, uow, id); });
    } catch (const failure& e) {
        reason = e.error().reason;
    }
    EXPECT_EQ(reason, "ORDER_CHANGED");
    EXPECT_EQ((co_await current(env, id)).status, status::cancelled);
}
TEST_P(saga, of_two_writers_one_wins) { run(two_writers); }

}  // namespace
}  // namespace bv::order::testing
