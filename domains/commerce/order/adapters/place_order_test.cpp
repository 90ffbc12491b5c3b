// Placing orders, over both stores.
#include "domains/commerce/order/adapters/shop.hpp"

namespace bv::order::testing {
namespace {

class placing : public over_backends {};
INSTANTIATE_TEST_SUITE_P(stores, placing, ::testing::Values("memory", "postgres"), [](const auto& p) { return p.param; });

using strings = std::vector<std::string>;

strings violated(const error& e) {
    strings out;
    for (const auto& v : e.violations) out.push_back(v.field);
    return out;
}

task<void> stores_and_announces(backend& b) {
    const auto o = co_await placed(b.env(), a_shopper(), a_request({{"B", 1}, {"A", 2}, {"B", 2}}));
    EXPECT_TRUE(o);
    if (!o) co_return;
    EXPECT_EQ(o->total, 3500);
    EXPECT_EQ(o->customer, alice);
    EXPECT_EQ(o->lines, (std::vector<line>{{"B", "Bell", 3, 500, 0}, {"A", "Apple", 2, 1000, 0}}));
    EXPECT_EQ(co_await current(b.env(), o->id), *o);
    const auto events = co_await b.published();
    EXPECT_EQ(types_of(events, o->id), strings{"OrderPlaced"});
    contract::OrderPlaced m;
    EXPECT_TRUE(m.ParseFromString(events.front().payload));
    EXPECT_EQ(m.total().minor_units(), 3500);
    EXPECT_EQ(m.payment_method(), "card_ok");
}
TEST_P(placing, stores_the_order_and_announces_it) { run(stores_and_announces); }

task<void> names_every_line(backend& b) {
    const auto o = co_await placed(b.env(), a_shopper(), a_request({{"NONE", 1}, {"A", 1}, {"OLD", 1}, {"EUR-ONLY", 1}}));
    EXPECT_FALSE(o);
    if (o) co_return;
    EXPECT_EQ(o.error().code, code::invalid_argument);
    EXPECT_EQ(violated(o.error()), (strings{"lines[0].sku", "lines[2].sku", "lines[3].sku"}));
    EXPECT_TRUE((co_await b.published()).empty());
}
TEST_P(placing, names_every_line_that_is_not_sold) { run(names_every_line); }

task<void> needs_a_scope(backend& b) {
    auto dated = a_request();
    dated.mutable_ordered_at()->set_seconds(1'300'000'000);
    auto referenced = a_request();
    referenced.set_external_reference("536365");
    auto for_bob = a_request();
    for_bob.set_customer_id(bob.str());
    for (const auto& r : {dated, referenced, for_bob}) {
        const auto o = co_await placed(b.env(), a_shopper(), r);
        EXPECT_FALSE(o);
        if (o) continue;
        EXPECT_EQ(o.error().code, code::permission_denied);
        EXPECT_NE(o.error().message.find("orders.write.any"), std::string::npos);
    }
    auto own = a_request();
    own.set_customer_id(alice.str());
    EXPECT_TRUE(co_await placed(b.env(), a_shopper(), own)) << "one's own id is nobody else's";
    auto nobody = co_await placed(b.env(), an_importer(), a_request());
    EXPECT_FALSE(nobody) << "a program has to say for whom";
    for_bob.mutable_ordered_at()->set_seconds(1'300'000'000);
    const auto imported = co_await placed(b.env(), an_importer(), for_bob);
    EXPECT_TRUE(imported);
    if (imported) EXPECT_EQ(imported->customer, bob);
}
TEST_P(placing, for_others_with_a_date_or_reference_needs_the_scope_any) { run(needs_a_scope); }

task<void> one_bad_order(backend& b) {
    EXPECT_TRUE(co_await placed(b.env(), an_importer(), an_import(alice, "taken")));
    std::vector<placement> batch;
    for (const auto* reference : {"one", "taken", "two", "two", "three"})
        batch.push_back(*co_await prepared(b.env(), an_importer(), an_import(alice, reference)));
    batch.push_back(*co_await prepared(b.env(), an_importer(), an_import(bob, "taken")));
    const auto ids = std::pair{batch[2].what.id, batch[3].what.id};
    const auto answers = co_await place_orders(b.env(), std::move(batch));
    const bool expected[]{true, false, true, false, true, true};
    for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].has_value(), expected[i]) << i;
    if (answers[3]) co_return;
    EXPECT_EQ(answers[3].error().reason, "EXTERNAL_REFERENCE_TAKEN");
    EXPECT_NE(answers[3].error().message.find(ids.first.str()), std::string::npos) << "names the order that has it";
    EXPECT_EQ((co_await current(b.env(), ids.first)).version, 1);
    EXPECT_FALSE((co_await current(b.env(), ids.second)).exists());
    EXPECT_EQ((co_await b.published()).size(), 5U);
}
TEST_P(placing, a_refused_order_does_not_touch_its_neighbours_in_a_batch) { run(one_bad_order); }

task<void> repeats(backend& b) {
    const auto first = co_await placed(b.env(), a_shopper(alice, "key-1"), a_request());
    b.clock.advance(std::chrono::seconds(5));
    const auto again = co_await placed(b.env(), a_shopper(alice, "key-1"), a_request());
    const auto others = co_await placed(b.env(), a_shopper(bob, "key-1"), a_request());
    const auto changed = co_await placed(b.env(), a_shopper(alice, "key-1"), a_request({{"A", 3}}));
    EXPECT_TRUE(first && again && others);
    if (!first || !again || !others) co_return;
    EXPECT_EQ(first->id, again->id);
    EXPECT_EQ(*first, *again);
    EXPECT_NE(first->id, others->id);
    EXPECT_FALSE(changed);
    if (!changed) EXPECT_EQ(changed.error().reason, "IDEMPOTENCY_KEY_REUSED");
    EXPECT_EQ((co_await b.published()).size(), 2U);
}
TEST_P(placing, a_repeat_under_the_same_key_gets_the_first_order) { run(repeats); }

task<void> lost_answer(backend& b) {
    // What the batcher does when a commit's answer was lost: the very same placement again, without a key.
    auto p = *co_await prepared(b.env(), an_importer(), an_import(alice, "r"));
    const auto id = p.what.id;
    auto plain = *co_await prepared(b.env(), a_shopper(), a_request());
    const std::vector<placement> batch{p, plain};
    EXPECT_TRUE((co_await place_orders(b.env(), batch))[0]);
    const auto again = co_await place_orders(b.env(), batch);
    EXPECT_TRUE(again[0] && again[1]);
    if (again[0]) EXPECT_EQ(again[0]->id, id);
    EXPECT_EQ((co_await b.published()).size(), 2U);
}
TEST_P(placing, twice_of_one_placement_is_one_order) { run(lost_answer); }

task<void> twins(backend& b) {
    auto p = *co_await prepared(b.env(), a_shopper(alice, "k"), a_request());
    const auto answers = co_await place_orders(b.env(), std::vector<placement>{p, p});
    EXPECT_TRUE(answers[0] && answers[1]);
    EXPECT_EQ((co_await b.published()).size(), 1U);
}
TEST_P(placing, twins_in_one_batch_are_one_order) { run(twins); }

}  // namespace
}  // namespace bv::order::testing
