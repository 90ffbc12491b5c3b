// What a check says of a true world, of one under way, and of none.
#include "verify/check.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "verify/true_world.hpp"

namespace bv::verify::testing {
namespace {

using ::testing::HasSubstr;

options at_once(true_world& w) { return {.wait = seconds(0), .provider = w.provider()}; }

TEST(check, finds_that_all_invariants_hold_in_a_true_world) {
    auto& w = true_world::instance();
    const auto r = w.check_after("", at_once(w));
    EXPECT_TRUE(r.holds()) << to_text(r);
    EXPECT_TRUE(r.quiet);
    EXPECT_EQ(r.findings.size(), all_invariants().size());
    for (const auto& f : r.findings) {
        EXPECT_GT(f.checked, 0) << f.invariant << " checked nothing";
        EXPECT_EQ(f.skipped, "") << f.invariant;
    }
}

TEST(check, leaves_out_orders_under_way_and_says_how_many) {
    auto& w = true_world::instance();
    // An operation is pending, and while it is the order's stock, payment and notifications may not fit yet.
    const auto r = w.check_after(R"(
        UPDATE payment.operations SET state = 'pending', updated_at = now() WHERE kind = 'capture' AND payment_id = (SELECT id FROM payment.payments WHERE order_id = '{confirmed}');
        DELETE FROM notification.notifications WHERE order_id = '{confirmed}';
        UPDATE notification.consumer_position SET position = (SELECT min(position) - 1 FROM orders.outbox WHERE key = '{confirmed}' AND type LIKE '%OrderConfirmed'))",
                                 at_once(w));
    EXPECT_TRUE(r.holds()) << to_text(r);
    EXPECT_FALSE(r.quiet);
    EXPECT_GE(r.left_out, 1);
    EXPECT_THAT(r.under_way, HasSubstr("1 payment operation"));
    EXPECT_THAT(to_text(r), HasSubstr("leave out"));
}

TEST(check, waits_no_longer_than_told_for_what_does_not_end) {
    auto& w = true_world::instance();
    auto o = at_once(w);
    o.wait = seconds(1);
    int steps = 0;
    o.progress = [&steps](std::string_view step) { steps += step.starts_with("waiting for quiet") ? 1 : 0; };
    const auto r = w.check_after("UPDATE payment.operations SET state = 'pending' WHERE kind = 'refund'", std::move(o));
    EXPECT_FALSE(r.quiet);
    EXPECT_GE(r.waited, milliseconds(1'000));
    EXPECT_GT(steps, 0);
}

TEST(check, does_not_call_an_order_stuck_while_the_platform_is_stopped) {
    auto& w = true_world::instance();
    constexpr auto old = "UPDATE orders.outbox SET time = now() - interval '1 day'; UPDATE notification.consumer_position SET position = 0";
    auto stopped = at_once(w);
    stopped.live = false;
    EXPECT_TRUE(w.check_after(old, std::move(stopped)).holds());
    EXPECT_FALSE(w.check_after(old, at_once(w)).find("orders.final")->holds());
}

TEST(check, skips_a_provider_that_cannot_be_reached_by_name) {
    auto& w = true_world::instance();
    const auto without = w.check_after("", {.wait = seconds(0), .no_provider = "it sleeps"});
    EXPECT_TRUE(without.holds());
    EXPECT_EQ(without.find("provider.agrees")->skipped, "it sleeps");
    auto o = at_once(w);
    o.provider->port = 1;
    const auto away = w.check_after("", std::move(o));
    EXPECT_TRUE(away.holds());
    EXPECT_THAT(away.find("provider.agrees")->skipped, HasSubstr("cannot be reached"));
    EXPECT_THAT(to_text(away), HasSubstr("not checked"));
}

TEST(check, refuses_a_database_without_a_platform) {
    auto& w = true_world::instance();
    const auto empty = bv::testing::postgres::instance().database("verify_empty");
    pg::database admin(empty.admin_options(), system_clock());
    try {
        w.machine().block_on(verify::check(w.machine(), admin, {}));
        ADD_FAILURE() << "it was checked";
    } catch (const failure& e) {
        EXPECT_EQ(e.error().reason, "NO_DATA");
    }
    w.machine().block_on(admin.close());
}

TEST(check, reads_only) {
    auto& w = true_world::instance();
    const auto copy = w.copy();
    auto with = copy.admin_options();
    with.conninfo += " options='-c default_transaction_read_only=on'";
    pg::database admin(with, system_clock());
    EXPECT_TRUE(w.machine().block_on(verify::check(w.machine(), admin, at_once(w))).holds());
    for (std::size_t core = 0; core < w.machine().cores(); ++core) w.machine().block_on(admin.close(), core);
}

TEST(report, shows_the_first_violations_and_counts_the_rest) {
    report r;
    auto& f = r.findings.emplace_back();
    f.invariant = "stock.conserved";
    f.checked = 1'234'567;
    for (int i = 0; i < 5; ++i) f.add({"SKU-" + std::to_string(i), "this", "that"}, 2);
    const auto text = to_text(r);
    EXPECT_THAT(text, HasSubstr("✗ stock.conserved"));
    EXPECT_THAT(text, HasSubstr("1,234,567"));
    EXPECT_THAT(text, HasSubstr("SKU-1\n    expected  this\n    found     that"));
    EXPECT_THAT(text, HasSubstr("and 3 more"));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("SKU-2")));
    const auto json = boost::json::parse(to_json(r)).as_object();
    EXPECT_FALSE(json.at("holds").as_bool());
    EXPECT_EQ(json.at("invariants").as_array().at(0).as_object().at("violation_count").as_int64(), 5);
}

}  // namespace
}  // namespace bv::verify::testing
