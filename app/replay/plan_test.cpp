// Planning without a platform: catalogue, orders, retries, latencies, progress file, text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <fstream>

#include <rapidcheck.h>

#include "app/replay/order_plan.hpp"
#include "app/replay/progress_file.hpp"
#include "app/replay/report.hpp"
#include "app/replay/retry_rules.hpp"
#include "app/replay/saga_metrics.hpp"
#include "app/replay/survey.hpp"
#include "app/replay/temporary_folder.hpp"
#include "app/replay/text.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {
namespace {

using namespace std::chrono_literals;

time_point day(int n) { return time_point(std::chrono::sys_days(std::chrono::year{2011} / 1 / 1)) + std::chrono::hours(24 * n); }

invoice an_invoice(std::string number, int on_day, std::vector<invoice_line> lines) {
    const bool is_return = number[0] == 'C';
    return {std::move(number), "17850", "France", day(on_day), is_return, std::move(lines)};
}

TEST(survey, takes_the_newest_name_and_the_most_frequent_price) {
    surveyor s;
    s.add(an_invoice("2", 5, {{1, "A", "NEW NAME", 3, 250}}));
    s.add(an_invoice("1", 1, {{2, "A", "OLD NAME", 10, 295}, {3, "A", "OLD NAME", 1, 295}}));
    const auto found = s.finish();
    ASSERT_EQ(found.products.size(), 1u);
    EXPECT_EQ(found.products[0].name, "NEW NAME");
    EXPECT_EQ(found.products[0].price_minor, 295);
    EXPECT_EQ(found.products[0].sold, 14);
    EXPECT_EQ(found.first, day(1));
    EXPECT_EQ(found.last, day(5));
}

TEST(survey, of_equally_frequent_prices_takes_the_lowest) {
    surveyor s;
    s.add(an_invoice("1", 1, {{1, "A", "x", 1, 300}, {2, "A", "x", 1, 200}}));
    EXPECT_EQ(s.finish().products[0].price_minor, 200);
}

TEST(survey, does_not_sell_what_only_comes_back) {
    surveyor s;
    s.add(an_invoice("C1", 1, {{1, "D", "Discount", 1, 500}}));
    const auto found = s.finish();
    EXPECT_TRUE(found.products.empty());
    EXPECT_EQ(found.customers.size(), 1u);
    EXPECT_EQ(found.returns, 1u);
}

TEST(survey, rounds_opening_stock_up) {
    EXPECT_EQ(opening_stock({"A", "", 1, 10}, 1), 10);
    EXPECT_EQ(opening_stock({"A", "", 1, 10}, 0.95), 10);
    EXPECT_EQ(opening_stock({"A", "", 1, 10}, 0.81), 9);
    EXPECT_EQ(opening_stock({"A", "", 1, 10}, 0), 0);
}

TEST(order_plan, merges_the_lines_of_a_sku) {
    const auto plan = plan_orders(an_invoice("1", 1, {{1, "A", "", 2, 100}, {2, "B", "", 1, 10}, {3, "A", "", 5, 90}}), 0, 0);
    ASSERT_EQ(plan.size(), 1u);
    EXPECT_EQ(plan[0].lines, (std::vector<planned_line>{{"A", 7}, {"B", 1}}));
    EXPECT_EQ(plan[0].invoice_minor, 2 * 100 + 10 + 5 * 90);
    EXPECT_EQ(plan[0].reference, "1");
}

TEST(order_plan, splits_what_an_order_does_not_take_and_loses_nothing) {
    EXPECT_TRUE(rc::check("split", [] {
        const auto count = *rc::gen::inRange(1, 40);
        const auto most = static_cast<std::size_t>(*rc::gen::inRange(1, 12));
        const auto earlier = static_cast<std::size_t>(*rc::gen::inRange(0, 3));
        invoice i = an_invoice("7", 1, {});
        std::int64_t minor = 0;
        for (int n = 0; n < count; ++n) i.lines.push_back({0, "S" + std::to_string(n % 20), "", n + 1, 3}), minor += 3 * (n + 1);
        std::int64_t units = 0, planned_minor = 0;
        std::set<std::string> skus, references;
        for (const auto& d : plan_orders(i, earlier, 0, most)) {
            RC_ASSERT(d.lines.size() <= most && !d.lines.empty());
            RC_ASSERT(references.insert(d.reference).second);
            planned_minor += d.invoice_minor;
            for (const auto& l : d.lines) {
                RC_ASSERT(skus.insert(l.sku).second);
                units += l.quantity;
            }
        }
        RC_ASSERT(units == count * (count + 1) / 2);
        RC_ASSERT(planned_minor == minor);
        RC_ASSERT(references.contains(part_reference("7", earlier)));
    }));
}

TEST(order_plan, declines_a_share_and_the_same_ones_each_time) {
    int declined = 0;
    for (int n = 0; n < 10'000; ++n) {
        const auto i = an_invoice(std::to_string(536'365 + n), 1, {{1, "A", "", 1, 1}});
        const auto once = plan_orders(i, 0, 0.1)[0].declined;
        EXPECT_EQ(once, plan_orders(i, 0, 0.1)[0].declined);
        // What is declined at a low rate is declined at a higher one.
        if (once) EXPECT_TRUE(plan_orders(i, 0, 0.2)[0].declined);
        declined += once;
    }
    EXPECT_NEAR(declined, 1'000, 150);
    EXPECT_FALSE(plan_orders(an_invoice("1", 1, {{1, "A", "", 1, 1}}), 0, 0)[0].declined);
    EXPECT_TRUE(plan_orders(an_invoice("1", 1, {{1, "A", "", 1, 1}}), 0, 1)[0].declined);
}

TEST(retry_rules, tell_what_passes_from_what_stays) {
    const retry_rules rules;
    struct {
        int status;
        const char* reason;
        verdict what;
    } const cases[] = {
        {0, "", verdict::again},         {503, "", verdict::again},   {429, "RATE_LIMITED", verdict::again}, {409, "IDEMPOTENCY_KEY_IN_USE", verdict::again},
        {409, "ORDER_CHANGED", verdict::again}, {500, "", verdict::again}, {504, "", verdict::again}, {409, "EXTERNAL_REFERENCE_TAKEN", verdict::take},
        {200, "", verdict::take},        {400, "OUT", verdict::take}, {401, "", verdict::take},              {404, "", verdict::take},
        {422, "IDEMPOTENCY_KEY_REUSED", verdict::take},
    };
    for (const auto& c : cases) EXPECT_EQ(judge(c.status, c.reason, {}, 1, rules).what, c.what) << c.status << ' ' << c.reason;
    EXPECT_EQ(judge(500, "", {}, rules.server_errors, rules).what, verdict::take);
    EXPECT_EQ(judge(0, "", {}, 1'000, rules).what, verdict::again);
}

TEST(retry_rules, wait_as_long_as_asked_and_else_longer_each_time) {
    const retry_rules rules;
    EXPECT_EQ(judge(429, "", 3s, 1, rules).pause, 3s);
    EXPECT_EQ(judge(429, "", 3'600s, 1, rules).pause, rules.longest_wish);
    EXPECT_EQ(judge(503, "", {}, 1, rules).pause, 50ms);
    EXPECT_EQ(judge(503, "", {}, 3, rules).pause, 200ms);
    EXPECT_EQ(judge(503, "", {}, 1'000'000, rules).pause, rules.longest);
    EXPECT_TRUE(judge(503, "", {}, 1, rules).away);
    EXPECT_FALSE(judge(429, "", {}, 1, rules).away);
    EXPECT_EQ(parse_retry_after("2"), 2s);
    for (const char* text : {"", "soon", "-1", "2 s", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999"}) EXPECT_EQ(parse_retry_after(text), std::nullopt) << text;
}

TEST(progress_file, remembers_what_was_placed_and_survives_a_crash_in_the_middle_of_a_line) {
    const temporary_folder folder;
    const auto id = *uuid::parse("0190b8a4-1111-7222-8333-444455556666");
    {
        progress_file p(folder.path, "abc");
        EXPECT_EQ(p.newest(), nullptr);
        p.add("536365", {id, 13'912});
        p.add("536366", {id, 2'220});
    }
    std::ofstream(folder.path / "abc.placed", std::ios::app) << "536367 0190b8";
    {
        progress_file p(folder.path, "abc");
        EXPECT_EQ(p.size(), 2u);
        EXPECT_EQ(p.find("536367"), nullptr);
        p.add("536368", {id, 5});
    }
    progress_file p(folder.path, "abc");
    ASSERT_NE(p.find("536368"), nullptr);
    EXPECT_EQ(p.find("536368")->total_minor, 5);
    EXPECT_EQ(p.find("536365")->id, id);
    p.forget();
    EXPECT_EQ(p.find("536365"), nullptr);
    EXPECT_EQ(progress_file(folder.path, "abc").size(), 0u);
    EXPECT_EQ(progress_file(folder.path, "another").size(), 0u);
}

TEST(file_key, is_of_the_content) {
    const temporary_folder folder;
    std::ofstream(folder.path / "a") << "abc";
    EXPECT_EQ(file_key(folder.path / "a"), "ba7816bf8f01cfea");  // FIPS 180-4, the example of SHA-256
    EXPECT_THROW((void)file_key(folder.path / "none"), failure);
}

TEST(text, becomes_utf8_of_limited_length) {
    EXPECT_EQ(as_utf8("POPPY'S", 200), "POPPY'S");
    EXPECT_EQ(as_utf8("caf\xC3\xA9", 200), "caf\xC3\xA9");
    EXPECT_EQ(as_utf8("caf\xC3\xA9", 4), "caf");
    EXPECT_EQ(as_utf8("\xA3" "5 caf\xE9", 200), "\xC2\xA3" "5 caf\xC3\xA9");
    EXPECT_EQ(as_utf8("\xED\xA0\x80", 200).size(), 6u);  // a surrogate is no UTF-8
    EXPECT_EQ(as_utf8(std::string_view("a\0b\tc", 5), 200), "a b c");
}

TEST(report, writes_numbers_for_people) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(-1'234'567), "-1,234,567");
    EXPECT_EQ(pounds(-123'405), "-1,234.05 GBP");
}

constexpr const char* page = R"(# HELP bv_saga_duration_seconds x
bv_other_bucket{le="1"} 9
bv_saga_duration_seconds_bucket{le="0.1"} 10
bv_saga_duration_seconds_bucket{le="0.2"} 30
bv_saga_duration_seconds_bucket{le="+Inf"} 40
bv_saga_duration_seconds_sum 5
)";

TEST(saga_metrics, are_those_of_the_run_alone) {
    const auto before = parse_saga_durations(page);
    EXPECT_EQ(before.count(), 40u);
    EXPECT_NEAR(before.quantile(0.5), 0.15, 1e-9);
    EXPECT_NEAR(before.quantile(0.99), 0.2, 1e-9);
    auto after = before;
    for (auto& b : after.buckets) b.second += 10;
    EXPECT_EQ(since(before, after).count(), 10u);
    EXPECT_LE(since(before, after).quantile(1), 0.1);
    EXPECT_EQ(since(after, before).count(), 40u);  // it was started anew and counts from 0
    EXPECT_EQ(parse_saga_durations("").count(), 0u);
}

}  // namespace
}  // namespace bv::replay
