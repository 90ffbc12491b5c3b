#include "domains/commerce/payment/model/decide.hpp"

#include <gmock/gmock.h>

namespace bv::payment {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using enum payment_status;

constexpr auto gbp = "GBP"_cur;
const order_id the_order{uuid::named("an order")};

outcome yes() { return {.done = true, .reference = "pa_1"}; }
outcome no(std::string reason) { return {.done = false, .reason = std::move(reason)}; }

payment a_payment(payment_status s) {
    payment p{.id = payment_of(the_order), .order = the_order, .customer = customer_id{uuid::named("c")}, .status = s,
              .amount = {1000, gbp}, .method = "card_ok"};
    if (s != authorising && s != declined) p.provider_reference = "pa_1";
    if (s == captured || s == refunded) p.captured = 1000;
    if (s == refunded) {
        p.refunded = 1000;
        p.refunds = {{"r0", 1000, refund_state::settled}};
    }
    return p;
}

operation an_operation(operation_kind kind, std::int64_t amount = 1000, std::string refund_id = {}) {
    const auto id = payment_of(the_order);
    return {id, kind, operation_key(id, kind, refund_id), amount, refund_id};
}

struct request_case {
    payment_status from;
    request asked;
    payment_status to;
    std::vector<operation_kind> operations;
    bool ignored;
    std::size_t told = 0;
};

TEST(payment_decide, answers_every_request_in_every_status) {
    const request capture = capture_request{{1000, gbp}}, undo = void_request{}, give_back = refund_request{"r1", {400, gbp}};
    using k = operation_kind;
    const std::vector<request_case> cases{
        {authorising, capture, authorising, {}, false},
        {authorised, capture, capturing, {k::capture}, false},
        {declined, capture, declined, {}, true},
        {capturing, capture, capturing, {}, true},
        {captured, capture, captured, {}, true},
        {voiding, capture, voiding, {}, true},
        {voided, capture, voided, {}, true},
        {refunded, capture, refunded, {}, true},
        {capture_failed, capture, capture_failed, {}, true},
        {authorising, undo, authorising, {}, false},
        {authorised, undo, voiding, {k::void_}, false},
        {declined, undo, declined, {}, true},
        {capturing, undo, capturing, {}, false},
        {captured, undo, captured, {k::refund}, false},
        {voiding, undo, voiding, {}, true},
        {voided, undo, voided, {}, true},
        {refunded, undo, refunded, {}, true},
        {capture_failed, undo, capture_failed, {}, true},
        {authorising, give_back, authorising, {}, false},
        {authorised, give_back, authorised, {}, false},
        {capturing, give_back, capturing, {}, false},
        {captured, give_back, captured, {k::refund}, false},
        {declined, give_back, declined, {}, false},
        {voiding, give_back, voiding, {}, false},
        {voided, give_back, voided, {}, false},
        {refunded, give_back, refunded, {}, false},
        {capture_failed, give_back, capture_failed, {}, false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::Message() << name(c.from) << " request " << c.asked.index());
        const auto d = decide(a_payment(c.from), c.asked);
        EXPECT_EQ(d.next.status, c.to);
        std::vector<operation_kind> kinds;
        for (const auto& o : d.operations) kinds.push_back(o.kind);
        EXPECT_EQ(kinds, c.operations);
        EXPECT_EQ(!d.ignored.empty(), c.ignored);
        EXPECT_THAT(d.announcements, SizeIs(c.told));
        if (c.ignored) EXPECT_EQ(d.next, a_payment(c.from));
    }
}

TEST(payment_decide, asks_to_authorise_once_an_order_is_to_be_paid) {
    const auto d = open({the_order, {}, {1000, gbp}, "card_ok"});
    EXPECT_EQ(d.next.status, authorising);
    EXPECT_THAT(d.operations, ElementsAre(an_operation(operation_kind::authorise)));
}

TEST(payment_decide, books_a_capture_and_tells_it) {
    const auto d = decide(a_payment(capturing), an_operation(operation_kind::capture), yes());
    EXPECT_EQ(d.next.status, captured);
    EXPECT_EQ(d.next.captured, 1000);
    ASSERT_THAT(d.bookings, SizeIs(1));
    EXPECT_THAT(d.bookings[0].postings, ElementsAre(posting{"provider_clearing", 1000}, posting{"sales", -1000}));
    EXPECT_THAT(d.announcements, ElementsAre(announcement(told::captured{{1000, gbp}})));
}

TEST(payment_decide, an_outcome_that_comes_twice_changes_nothing) {
    for (auto kind : {operation_kind::authorise, operation_kind::capture, operation_kind::void_}) {
        const auto first = kind == operation_kind::authorise ? authorising : kind == operation_kind::capture ? capturing : voiding;
        const auto once = decide(a_payment(first), an_operation(kind), yes());
        const auto twice = decide(once.next, an_operation(kind), yes());
        EXPECT_FALSE(twice.ignored.empty());
        EXPECT_EQ(twice.next, once.next);
        EXPECT_THAT(twice.bookings, IsEmpty());
        EXPECT_THAT(twice.announcements, IsEmpty());
    }
}

TEST(payment_decide, a_late_authorisation_of_a_voided_payment_is_voided) {
    auto p = decide(a_payment(authorising), void_request{}).next;
    p.provider_reference.clear();
    const auto d = decide(p, an_operation(operation_kind::authorise), yes());
    EXPECT_EQ(d.next.status, voiding);
    EXPECT_THAT(d.operations, ElementsAre(an_operation(operation_kind::void_, 0)));
    const auto end = decide(d.next, an_operation(operation_kind::void_, 0), yes());
    EXPECT_THAT(end.announcements, ElementsAre(announcement(told::voided{})));
}

TEST(payment_decide, a_void_while_capturing_gives_everything_back_once_captured) {
    const auto p = decide(a_payment(capturing), void_request{}).next;
    const auto d = decide(p, an_operation(operation_kind::capture), yes());
    ASSERT_THAT(d.operations, SizeIs(1));
    EXPECT_EQ(d.operations[0].kind, operation_kind::refund);
    EXPECT_EQ(d.operations[0].amount, 1000);
    const auto end = decide(d.next, d.operations[0], yes());
    EXPECT_EQ(end.next.status, refunded);
}

TEST(payment_decide, a_void_after_a_refused_refund_asks_under_a_key_of_its_own) {
    const auto first = decide(a_payment(captured), void_request{});
    ASSERT_THAT(first.operations, SizeIs(1));
    const auto refused = decide(first.next, first.operations[0], no("try_later"));
    const auto second = decide(refused.next, void_request{});
    ASSERT_THAT(second.operations, SizeIs(1));
    EXPECT_NE(second.operations[0].key, first.operations[0].key);
    const auto end = decide(second.next, second.operations[0], yes());
    EXPECT_EQ(end.next.status, refunded);
    EXPECT_EQ(end.next.refunded, 1000);
}

TEST(payment_decide, a_failed_capture_answers_the_void_that_waited_for_it) {
    const auto p = decide(a_payment(capturing), void_request{}).next;
    const auto d = decide(p, an_operation(operation_kind::capture), no("expired"));
    EXPECT_EQ(d.next.status, capture_failed);
    EXPECT_THAT(d.announcements, ElementsAre(announcement(told::capture_failed{"expired"}), announcement(told::voided{})));
    EXPECT_THAT(d.bookings, IsEmpty());
}

TEST(payment_decide, a_declined_authorisation_tells_why_and_refuses_what_waited_for_it) {
    auto p = decide(a_payment(authorising), refund_request{"r1", {400, gbp}}).next;
    p = decide(p, capture_request{{1000, gbp}}).next;
    p = decide(p, void_request{}).next;
    const auto d = decide(p, an_operation(operation_kind::authorise), no("insufficient_funds"));
    EXPECT_EQ(d.next.status, declined);
    EXPECT_EQ(d.next.decline_reason, "insufficient_funds");
    EXPECT_EQ(d.next.refunds.at(0).state, refund_state::refused);
    EXPECT_EQ(d.next.wanted_capture, 0);
    EXPECT_FALSE(d.next.void_wanted);
    EXPECT_THAT(d.announcements, ElementsAre(announcement(told::declined{"insufficient_funds"})));
    EXPECT_THAT(d.operations, IsEmpty());
}

TEST(payment_decide, a_void_of_a_capture_of_nothing_ends_it_without_the_provider) {
    auto p = a_payment(captured);
    p.captured = 0;
    const auto d = decide(p, void_request{});
    EXPECT_EQ(d.next.status, voided);
    EXPECT_THAT(d.operations, IsEmpty());
    EXPECT_THAT(d.announcements, ElementsAre(announcement(told::voided{})));
    EXPECT_FALSE(decide(d.next, void_request{}).ignored.empty());
}

TEST(payment_decide, a_refund_of_a_payment_that_holds_nothing_is_refused_and_known) {
    for (const auto s : {declined, voiding, voided, refunded, capture_failed}) {
        const auto d = decide(a_payment(s), refund_request{"r1", {400, gbp}});
        ASSERT_NE(d.next.find_refund("r1"), nullptr) << name(s);
        EXPECT_EQ(d.next.find_refund("r1")->state, refund_state::refused) << name(s);
        EXPECT_FALSE(decide(d.next, refund_request{"r1", {400, gbp}}).ignored.empty()) << name(s);
    }
}

TEST(payment_decide, captures_at_once_what_was_asked_for_before_the_authorisation_was_known) {
    const auto p = decide(a_payment(authorising), capture_request{{1000, gbp}}).next;
    const auto d = decide(p, an_operation(operation_kind::authorise), yes());
    EXPECT_EQ(d.next.status, capturing);
    EXPECT_THAT(d.operations, ElementsAre(an_operation(operation_kind::capture)));
}

TEST(payment_decide, a_capture_of_more_than_was_authorised_takes_nothing) {
    for (money amount : {money{1001, gbp}, money{1000, "EUR"_cur}}) {
        const auto d = decide(a_payment(authorised), capture_request{amount});
        EXPECT_EQ(d.next.status, voiding);
        EXPECT_THAT(d.announcements, ElementsAre(announcement(told::capture_failed{"amount_not_authorised"})));
    }
}

TEST(payment_decide, a_refund_with_the_same_id_is_made_once) {
    const auto once = decide(a_payment(captured), refund_request{"r1", {400, gbp}});
    const auto twice = decide(once.next, refund_request{"r1", {400, gbp}});
    EXPECT_THAT(once.operations, SizeIs(1));
    EXPECT_THAT(twice.operations, IsEmpty());
    EXPECT_FALSE(twice.ignored.empty());
}

TEST(payment_decide, refunds_never_exceed_the_capture_also_while_others_are_under_way) {
    auto p = decide(a_payment(captured), refund_request{"r1", {700, gbp}}).next;
    const auto second = decide(p, refund_request{"r2", {301, gbp}});
    EXPECT_THAT(second.operations, IsEmpty());
    EXPECT_EQ(second.next.find_refund("r2")->state, refund_state::refused);
    const auto rest = decide(second.next, void_request{});
    ASSERT_THAT(rest.operations, SizeIs(1));
    EXPECT_EQ(rest.operations[0].amount, 300);
}

TEST(payment_decide, a_refund_asked_for_while_capturing_is_made_once_captured) {
    const auto p = decide(a_payment(capturing), refund_request{"r1", {250, gbp}}).next;
    const auto d = decide(p, an_operation(operation_kind::capture), yes());
    EXPECT_THAT(d.operations, ElementsAre(an_operation(operation_kind::refund, 250, "r1")));
}

TEST(payment_decide, refunds_that_waited_for_the_capture_are_made_as_far_as_it_goes) {
    auto p = decide(a_payment(capturing), refund_request{"r1", {700, gbp}}).next;
    p = decide(p, refund_request{"r2", {400, gbp}}).next;
    p = decide(p, refund_request{"r3", {300, gbp}}).next;
    const auto d = decide(p, an_operation(operation_kind::capture), yes());
    EXPECT_THAT(d.operations, ElementsAre(an_operation(operation_kind::refund, 700, "r1"), an_operation(operation_kind::refund, 300, "r3")));
    EXPECT_EQ(d.next.find_refund("r2")->state, refund_state::refused);
}

TEST(payment_decide, a_void_that_overtakes_its_request_ends_the_payment) {
    const auto d = void_unseen(the_order);
    EXPECT_EQ(d.next.status, voided);
    EXPECT_THAT(d.announcements, ElementsAre(announcement(told::voided{})));
    EXPECT_FALSE(decide(d.next, capture_request{{1000, gbp}}).ignored.empty());
}

TEST(payment_decide, a_negative_amount_is_declined_without_the_provider) {
    const auto d = open({the_order, {}, {-1, gbp}, "card_ok"});
    EXPECT_EQ(d.next.status, declined);
    EXPECT_THAT(d.operations, IsEmpty());
}

TEST(payment_names, are_read_back) {
    for (int i = 1; i <= 9; ++i) {
        const auto s = static_cast<payment_status>(i);
        EXPECT_EQ(parse_payment_status(name(s)), s);
    }
    EXPECT_EQ(parse_payment_status("paid"), std::nullopt);
    EXPECT_EQ(parse_payment_status(""), std::nullopt);
    EXPECT_EQ(parse_operation_kind("void"), operation_kind::void_);
    for (const auto s : {refund_state::requested, refund_state::settled, refund_state::refused}) EXPECT_EQ(parse_refund_state(name(s)), s);
}

}  // namespace
}  // namespace bv::payment
