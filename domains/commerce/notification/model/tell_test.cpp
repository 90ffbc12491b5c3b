#include "domains/commerce/notification/model/notice.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace bv::notification {
namespace {

const order_id an_order = *order_id::parse("01900000-0000-7000-8000-000000000001");
const customer_id a_customer = *customer_id::parse("01900000-0000-7000-8000-00000000000a");
const time_point at = *parse_rfc3339("2026-01-31T09:30:00Z");

money pounds(std::int64_t minor) { return {minor, *currency::parse("GBP")}; }

notice told(std::variant<confirmed, cancelled, returned> what) { return tell({an_order, a_customer, at, std::move(what)}); }

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

void expect_complete(const notice& n) {
    EXPECT_TRUE(has(n.subject, an_order.str())) << n.subject;
    EXPECT_TRUE(has(n.text, an_order.str())) << n.text;
    for (const auto& part : {n.subject, n.text}) {
        EXPECT_FALSE(has(part, "{{")) << part;
        EXPECT_FALSE(has(part, "}}")) << part;
    }
    EXPECT_EQ(n.subject.find_first_of("\r\n"), n.subject.npos);
    EXPECT_EQ(n.customer, a_customer);
    EXPECT_EQ(n.order, an_order);
    EXPECT_EQ(n.created_at, at);
}

TEST(tell, a_confirmed_order_with_its_day_and_total) {
    const auto n = told(confirmed{pounds(1234), *parse_rfc3339("2010-12-01T08:26:00Z")});
    expect_complete(n);
    EXPECT_EQ(n.kind, notice_kind::confirmed);
    EXPECT_TRUE(n.return_id.empty());
    EXPECT_TRUE(has(n.subject, "is confirmed"));
    EXPECT_TRUE(has(n.text, "Total: 12.34 GBP\n"));
    EXPECT_TRUE(has(n.text, "2010-12-01"));
}

TEST(tell, every_reason_of_a_cancellation_in_its_own_words) {
    struct row {
        cancel_reason reason;
        std::string_view subject, text;
        bool shows_detail;
    };
    constexpr row table[] = {
        {cancel_reason::unspecified, "is cancelled", "your order was cancelled", true},
        {cancel_reason::customer_request, "is cancelled", "as you asked", true},
        {cancel_reason::out_of_stock, "could not be fulfilled", "not enough in stock", true},
        {cancel_reason::payment_declined, "was declined", "your payment was declined", true},
        {cancel_reason::timed_out, "is cancelled", "could not complete your order in time", false},
        {cancel_reason::capture_failed, "failed", "could not be collected", true},
        {cancel_reason::reservation_expired, "is cancelled", "while we held the goods for you", false},
        {static_cast<cancel_reason>(99), "is cancelled", "your order was cancelled", true},
    };
    std::set<std::string> texts;
    for (const auto& r : table) {
        SCOPED_TRACE(static_cast<int>(r.reason));
        const auto n = told(cancelled{r.reason, "", pounds(500)});
        expect_complete(n);
        EXPECT_EQ(n.kind, notice_kind::cancelled);
        EXPECT_TRUE(has(n.subject, r.subject)) << n.subject;
        EXPECT_TRUE(has(n.text, r.text)) << n.text;
        EXPECT_TRUE(has(n.text, "Total: 5.00 GBP\n")) << n.text;
        EXPECT_FALSE(has(n.text, "Details:")) << n.text;
        EXPECT_FALSE(has(n.text, "Note:")) << n.text;
        texts.insert(n.text);
        EXPECT_EQ(has(told(cancelled{r.reason, "22423: 2 of 5", pounds(500)}).text, ": 22423: 2 of 5\n"), r.shows_detail);
    }
    EXPECT_EQ(texts.size(), 7u);
}

TEST(tell, a_return_with_its_items_and_amount) {
    const auto n = told(returned{"r-1", {{"22423", 2}, {"85123A", 1}}, pounds(995)});
    expect_complete(n);
    EXPECT_EQ(n.kind, notice_kind::returned);
    EXPECT_EQ(n.return_id, "r-1");
    EXPECT_TRUE(has(n.text, "We give back 9.95 GBP"));
    EXPECT_TRUE(has(n.text, "Return: r-1\n"));
    EXPECT_TRUE(has(n.text, "  2 x 22423\n  1 x 85123A\n"));
}

TEST(tell, a_long_return_in_a_short_letter) {
    std::vector<returned_item> items(1'200, returned_item{"22423", 1});
    const auto n = told(returned{"r-1", items, pounds(995)});
    EXPECT_TRUE(has(n.text, "  and 1180 more\n"));
    EXPECT_LT(n.text.size(), 1'000u);
}

TEST(tell, money_of_currencies_without_or_with_three_decimals) {
    EXPECT_TRUE(has(told(confirmed{{500, *currency::parse("JPY")}, at}).text, "Total: 500 JPY\n"));
    EXPECT_TRUE(has(told(confirmed{{1005, *currency::parse("KWD")}, at}).text, "Total: 1.005 KWD\n"));
}

TEST(tell, a_detail_on_one_line_of_bounded_length) {
    const auto n = told(cancelled{cancel_reason::customer_request, "a\r\nSubject: b\tc {{order}}", pounds(1)});
    EXPECT_TRUE(has(n.text, "Note: a  Subject: b c {{order}}\n")) << n.text;
    std::string accents;
    for (int i = 0; i < 200; ++i) accents += "é";
    const auto cut = told(cancelled{cancel_reason::customer_request, "x" + accents, pounds(1)});
    EXPECT_TRUE(has(cut.text, "é…\n"));
    EXPECT_FALSE(has(cut.text, accents));
}

TEST(tell, one_id_per_outcome) {
    EXPECT_EQ(told(confirmed{pounds(1), at}).id, told(confirmed{pounds(2), at}).id);
    const order_id other = *order_id::parse("01900000-0000-7000-8000-000000000002");
    const std::set<notice_id> ids{told(confirmed{pounds(1), at}).id, told(cancelled{cancel_reason::timed_out, "", pounds(1)}).id,
                                  told(returned{"r-1", {}, pounds(1)}).id, told(returned{"r-2", {}, pounds(1)}).id,
                                  tell({other, a_customer, at, confirmed{pounds(1), at}}).id};
    EXPECT_EQ(ids.size(), 5u);
}

}  // namespace
}  // namespace bv::notification
