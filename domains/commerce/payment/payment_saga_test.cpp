// What the order saga asks of payment, end to end: PostgreSQL, the worker, a real provider over HTTP.
#include <gmock/gmock.h>

#include "domains/commerce/payment/testing/payment_world.hpp"

namespace bv::payment::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum payment_status;

TEST_F(payment_world, authorises_captures_and_books_an_order) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 1099, "card_ok")});
    ASSERT_TRUE(comes_to(order, authorised));
    deliver({capture(order, 1099)});
    ASSERT_TRUE(comes_to(order, captured));
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "PaymentCaptured"));
    told::PaymentCaptured event;
    ASSERT_TRUE(event.ParseFromString(outbox(order)[1].payload));
    EXPECT_EQ(event.order_id(), order.str());
    EXPECT_EQ(event.payment_id(), payment_of(order).str());
    EXPECT_EQ(event.amount().minor_units(), 1099);
    EXPECT_EQ(balance("sales"), -1099);
    EXPECT_EQ(balance("provider_clearing"), 1099);
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, tells_why_a_card_was_declined) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 500, "card_insufficient_funds")});
    ASSERT_TRUE(comes_to(order, declined));
    told::PaymentDeclined event;
    ASSERT_THAT(told_of(order), ElementsAre("PaymentDeclined"));
    ASSERT_TRUE(event.ParseFromString(outbox(order)[0].payload));
    EXPECT_EQ(event.reason(), "insufficient_funds");
    EXPECT_THAT(balances(), IsEmpty());
}

TEST_F(payment_world, tells_that_a_capture_failed_and_books_nothing) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 500, "card_capture_fails")});
    ASSERT_TRUE(comes_to(order, authorised));
    deliver({capture(order, 500)});
    ASSERT_TRUE(comes_to(order, capture_failed));
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "CaptureFailed"));
    EXPECT_THAT(balances(), IsEmpty());
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, captures_exactly_once_when_every_answer_is_lost) {
    start_provider();
    start_service();
    std::vector<order_id> all;
    for (int i = 0; i < 5; ++i) all.push_back(an_order());
    for (const auto o : all) deliver({requested(o, 1000, "card_lost_answer")});
    for (const auto o : all) ASSERT_TRUE(comes_to(o, authorised));
    for (const auto o : all) deliver({capture(o, 1000)});
    for (const auto o : all) ASSERT_TRUE(comes_to(o, captured));
    EXPECT_EQ(balance("sales"), -5000);
    for (const auto o : all) EXPECT_THAT(told_of(o), ElementsAre("PaymentAuthorised", "PaymentCaptured"));
    const auto r = compared();
    EXPECT_TRUE(r.agrees());
    EXPECT_EQ(r.theirs.captured.at("GBP"), 5000);
    EXPECT_EQ(r.compared, 10);
}

TEST_F(payment_world, asks_after_a_time_out_instead_of_guessing) {
    start_provider({.slow = milliseconds(400)});
    start_service(milliseconds(100));
    const auto order = an_order();
    deliver({requested(order, 700, "card_slow")});
    ASSERT_TRUE(comes_to(order, authorised));
    deliver({capture(order, 700)});
    ASSERT_TRUE(comes_to(order, captured));
    const auto r = compared();
    EXPECT_TRUE(r.agrees());
    EXPECT_EQ(r.theirs.captured.at("GBP"), 700);
}

TEST_F(payment_world, survives_a_provider_that_often_fails_loses_and_repeats) {
    start_provider({.decline_rate = 0.2, .duplicate_callback_rate = 0.5, .lost_answer_rate = 0.2, .error_rate = 0.2, .jitter = milliseconds(5), .seed = 7});
    start_service();
    std::vector<order_id> all;
    std::vector<events::event> ask;
    for (int i = 0; i < 60; ++i) {
        all.push_back(an_order());
        ask.push_back(requested(all.back(), 100 + i, "card_ok"));
    }
    deliver(ask);
    ASSERT_TRUE(settles());
    std::vector<events::event> take;
    for (std::size_t i = 0; i < all.size(); ++i) take.push_back(capture(all[i], 100 + static_cast<std::int64_t>(i)));
    deliver(take);
    ASSERT_TRUE(settles());
    std::int64_t expected = 0;
    for (const auto o : all) {
        const auto p = find(o)->value;
        ASSERT_TRUE(p.status == captured || p.status == declined) << name(p.status);
        expected += p.captured;
    }
    EXPECT_GT(expected, 0);
    EXPECT_EQ(balance("sales"), -expected);
    const auto r = compared();
    EXPECT_TRUE(r.agrees());
    EXPECT_EQ(r.theirs.captured.at("GBP"), expected);
    EXPECT_EQ(number("SELECT coalesce(sum(amount_minor), 0)::bigint FROM payment.ledger_entries"), 0);
}

TEST_F(payment_world, a_repeated_or_late_delivery_changes_nothing) {
    start_provider();
    start_service();
    const auto order = an_order();
    const auto ask = requested(order, 900, "card_ok");
    deliver({ask, ask});
    deliver({ask});
    ASSERT_TRUE(comes_to(order, authorised));
    const auto take = capture(order, 900);
    deliver({take, ask, take});
    ASSERT_TRUE(comes_to(order, captured));
    deliver({ask, take});
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "PaymentCaptured"));
    EXPECT_EQ(number("SELECT count(*) FROM payment.operations"), 2);
    EXPECT_EQ(balance("sales"), -900);
}

TEST_F(payment_world, requests_that_come_out_of_order_end_well) {
    start_provider();
    start_service();
    const auto void_first = an_order(), capture_first = an_order();
    deliver({undo(void_first), requested(void_first, 300, "card_ok")});
    EXPECT_THAT(told_of(void_first), ElementsAre("PaymentVoided"));
    EXPECT_EQ(find(void_first)->value.status, voided);
    deliver({requested(capture_first, 300, "card_ok"), capture(capture_first, 300)});
    ASSERT_TRUE(comes_to(capture_first, captured));
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, a_void_while_authorising_releases_the_hold) {
    start_provider({.slow = milliseconds(200)});
    start_service();
    const auto order = an_order();
    deliver({requested(order, 800, "card_slow")});
    deliver({undo(order)});
    ASSERT_TRUE(comes_to(order, voided));
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "PaymentVoided"));
    EXPECT_THAT(balances(), IsEmpty());
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, a_void_while_capturing_gives_the_money_back) {
    start_provider({.slow = milliseconds(200)});
    start_service();
    const auto order = an_order();
    deliver({requested(order, 800, "card_slow")});
    ASSERT_TRUE(comes_to(order, authorised));
    deliver({capture(order, 800), undo(order)});
    ASSERT_TRUE(comes_to(order, refunded));
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "PaymentCaptured", "PaymentRefunded"));
    EXPECT_EQ(balance("provider_clearing"), 0);
    EXPECT_TRUE(compared().agrees());
}

TEST_F(payment_world, a_refund_asked_for_twice_is_made_once) {
    start_provider();
    start_service();
    const auto order = an_order();
    deliver({requested(order, 1000, "card_ok"), capture(order, 1000)});
    ASSERT_TRUE(comes_to(order, captured));
    deliver({give_back(order, "return-1", 400), give_back(order, "return-1", 400)});
    deliver({give_back(order, "return-1", 400), give_back(order, "return-2", 601)});
    ASSERT_TRUE(settles());
    EXPECT_EQ(find(order)->value.refunded, 400);
    EXPECT_EQ(find(order)->value.find_refund("return-2")->state, refund_state::refused);
    deliver({give_back(order, "return-3", 600)});
    ASSERT_TRUE(comes_to(order, refunded));
    EXPECT_THAT(told_of(order), ElementsAre("PaymentAuthorised", "PaymentCaptured", "PaymentRefunded", "PaymentRefunded"));
    EXPECT_EQ(balance("refunds"), 1000);
    EXPECT_EQ(balance("provider_clearing"), 0);
    EXPECT_TRUE(compared().agrees());
}

}  // namespace
}  // namespace bv::payment::testing
