// Interprets decisions.txt, and what a table cannot say: merging, arithmetic, legality.
#include "domains/commerce/order/model/decide.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace bv::order {
namespace {

const order_id an_id{uuid::named("order")};
const customer_id a_customer{uuid::named("customer")};

place a_placement() {
    return {an_id, a_customer, {{"A", "Apple", 2, 1000}, {"B", "Bell", 1, 500}, {"F", "Flyer", 3, 0}}, "GBP"_cur, "card_ok", "", {}, "user:x"};
}

std::vector<std::string> split(const std::string& s, char by) {
    std::vector<std::string> out;
    std::istringstream in(s);
    for (std::string part; std::getline(in, part, by);) out.push_back(part);
    return out;
}

std::string trim(std::string s) {
    const auto from = s.find_first_not_of(' ');
    if (from == std::string::npos) return {};
    return s.substr(from, s.find_last_not_of(' ') - from + 1);
}

std::vector<std::string> words(const std::string& s) {
    std::vector<std::string> out;
    std::istringstream in(s);
    for (std::string w; in >> w;) {
        if (w != "-") out.push_back(w);
    }
    return out;
}

std::expected<decision, refusal> decide_return(const order& o, const std::vector<std::string>& args) {
    return_lines c{args[1], "", {}};
    if (args[2] != "*") {
        for (const auto& l : split(args[2], '+')) {
            const auto parts = split(l, '*');
            c.lines.push_back({parts[0], std::stoll(parts[1])});
        }
    }
    return decide(o, c);
}

// One step of the table's language.
std::expected<decision, refusal> step(const order& o, const std::string& text) {
    const auto args = split(text, ':');
    const auto& verb = args[0];
    if (verb == "place") return decide(o, a_placement());
    if (verb == "cancel") return decide(o, cancel{"changed my mind"});
    if (verb == "time_out") return decide(o, time_out{});
    if (verb == "return") return decide_return(o, args);
    if (verb == "stock_reserved") return decide(o, any_reply{reply::stock_reserved{}});
    if (verb == "stock_rejected") return decide(o, any_reply{reply::stock_rejected{"A: 2 wanted, 1 available"}});
    if (verb == "authorised") return decide(o, any_reply{reply::payment_authorised{"p"}});
    if (verb == "declined") return decide(o, any_reply{reply::payment_declined{"p", "insufficient_funds"}});
    if (verb == "captured") return decide(o, any_reply{reply::payment_captured{"p"}});
    if (verb == "capture_failed") return decide(o, any_reply{reply::capture_failed{"p", "expired"}});
    if (verb == "commit_rejected") return decide(o, any_reply{reply::commit_rejected{"A: 2 wanted, 1 available"}});
    if (verb == "expired") return decide(o, any_reply{reply::reservation_expired{}});
    if (verb == "released") return decide(o, any_reply{reply::stock_released{}});
    if (verb == "voided") return decide(o, any_reply{reply::payment_voided{"p"}});
    if (verb == "refunded") return decide(o, any_reply{reply::payment_refunded{"p", args[1], std::stoll(args[2])}});
    throw std::runtime_error("no such step: " + text);
}

template <class Variant>
std::string describe(const Variant& v) {
    std::string out(type_name(v));
    if (const auto* c = std::get_if<order_cancelled>(&v); c && std::is_same_v<Variant, event>) out += ":" + std::string(name(c->reason));
    if (const auto* r = std::get_if<order_returned>(&v); r && std::is_same_v<Variant, event>) out += ":" + std::to_string(r->amount);
    if constexpr (std::is_same_v<Variant, message>) {
        if (const auto* r = std::get_if<refund_requested>(&v)) out += ":" + std::to_string(r->amount);
    }
    return out;
}

template <class Variant>
std::vector<std::string> describe_all(const std::vector<Variant>& all) {
    std::vector<std::string> out;
    for (const auto& v : all) out.push_back(describe(v));
    return out;
}

void check_row(const std::vector<std::string>& columns) {
    order o;
    std::vector<event> stream;
    for (const auto& s : words(columns[0])) {
        const auto d = step(o, s);
        ASSERT_TRUE(d) << "step before: " << s;
        stream.insert(stream.end(), d->events.begin(), d->events.end());
        o = apply(std::move(o), *d, {});
    }
    const auto d = step(o, trim(columns[1]));
    const auto expected = words(columns[2]);
    if (!expected.empty() && expected[0].starts_with('!')) {
        ASSERT_FALSE(d);
        auto got = "!" + std::string(name(d.error().code));
        if (d.error().line != no_line) got += "@" + std::to_string(d.error().line);
        EXPECT_EQ(got, expected[0]);
    } else {
        ASSERT_TRUE(d) << name(d.error().code);
        EXPECT_EQ(describe_all(d->events), expected);
        EXPECT_EQ(describe_all(d->messages), words(columns[3]));
        stream.insert(stream.end(), d->events.begin(), d->events.end());
        o = apply(std::move(o), *d, {});
    }
    EXPECT_EQ(name(o.status), trim(columns[4]));
    if (!stream.empty()) EXPECT_TRUE(is_legal_walk(stream));
}

TEST(decisions, are_those_of_the_table) {
    std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "decisions.txt");
    ASSERT_TRUE(file) << "decisions.txt";
    int number = 0, rows = 0;
    for (std::string text; std::getline(file, text);) {
        ++number;
        if (text.empty() || text[0] == '#') continue;
        SCOPED_TRACE("decisions.txt:" + std::to_string(number) + ": " + text);
        const auto columns = split(text, '|');
        ASSERT_EQ(columns.size(), 5U);
        check_row(columns);
        ++rows;
    }
    EXPECT_GT(rows, 60);
}

TEST(place, adds_lines_of_one_sku_together_in_the_order_of_their_first) {
    auto c = a_placement();
    c.lines = {{"B", "Bell", 1, 500}, {"A", "Apple", 1, 1000}, {"B", "Bell", 2, 500}};
    const auto d = decide(order{}, c);
    ASSERT_TRUE(d);
    const auto& e = std::get<order_placed>(d->events[0]);
    EXPECT_EQ(e.lines, (std::vector<line>{{"B", "Bell", 3, 500, 0}, {"A", "Apple", 1, 1000, 0}}));
    EXPECT_EQ(e.total, 2500);
}

order_errc refused(const place& c) {
    const auto d = decide(order{}, c);
    EXPECT_FALSE(d);
    return d ? order_errc::already_placed : d.error().code;
}

TEST(place, refuses_what_cannot_be_paid_or_counted) {
    auto c = a_placement();
    c.lines.clear();
    EXPECT_EQ(refused(c), order_errc::no_lines);
    c.lines = {{"A", "", 0, 1000}};
    EXPECT_EQ(refused(c), order_errc::quantity_not_positive);
    c.lines = {{"A", "", 1, -1}};
    EXPECT_EQ(refused(c), order_errc::price_negative);
    c.lines = {{"A", "", 1, 0}};
    EXPECT_EQ(refused(c), order_errc::total_not_positive);
    c.lines = {{"A", "", INT64_MAX, 2}};
    EXPECT_EQ(refused(c), order_errc::amount_overflow);
    c.lines = {{"A", "", 1, INT64_MAX}, {"B", "", 1, 1}};
    EXPECT_EQ(refused(c), order_errc::amount_overflow);
    c.lines = {{"A", "", INT64_MAX, 0}, {"A", "", 1, 0}};
    EXPECT_EQ(refused(c), order_errc::amount_overflow);
}

TEST(place, takes_1200_skus_and_no_more) {
    auto c = a_placement();
    c.lines.clear();
    for (int i = 0; i < 1200; ++i) c.lines.push_back({"SKU-" + std::to_string(i), "", 1, 1});
    EXPECT_TRUE(decide(order{}, c));
    c.lines.push_back({"SKU-0", "", 1, 1});
    EXPECT_TRUE(decide(order{}, c)) << "the same SKU again is no new line";
    c.lines.push_back({"SKU-1200", "", 1, 1});
    EXPECT_EQ(refused(c), order_errc::too_many_lines);
}

TEST(place, says_for_each_refusal_what_it_is) {
    std::set<std::string_view> names;
    constexpr auto last = static_cast<int>(order_errc::nothing_to_return);
    for (int i = 0; i <= last; ++i) {
        const auto code = static_cast<order_errc>(i);
        EXPECT_TRUE(names.insert(name(code)).second) << name(code);
        EXPECT_FALSE(is_retriable(code)) << name(code) << ": the same command is refused again";
    }
    EXPECT_FALSE(names.contains("unknown"));
}

TEST(returns, leave_with_the_buyer_what_did_not_come_back) {
    order o;
    for (const char* s : {"place", "stock_reserved", "authorised", "captured", "return:r1:A*1+F*2"}) {
        const auto d = step(o, s);
        ASSERT_TRUE(d) << s;
        o = apply(std::move(o), *d, {});
    }
    EXPECT_EQ(o.units(), 6);
    EXPECT_EQ(o.returned_units(), 3);
    EXPECT_EQ(o.returned_amount(), 1000) << "flyers are free";
    EXPECT_EQ(o.status, status::confirmed);
}

TEST(compensation, is_open_until_it_is_answered) {
    order o;
    for (const auto* s : {"place", "stock_reserved", "authorised", "cancel"}) o = apply(std::move(o), *step(o, s), {});
    EXPECT_TRUE(o.stock_held && o.payment_open && o.awaits_release && o.awaits_void);
    for (const auto* s : {"released", "captured", "refunded:x:2500"}) o = apply(std::move(o), *step(o, s), {});
    EXPECT_FALSE(o.stock_held || o.payment_open || o.awaits_release || o.awaits_void);
    EXPECT_EQ(o.captured - o.refunded, 0);
}

TEST(legal_walk, is_not_what_the_state_machine_cannot_produce) {
    const auto placed = std::get<order_placed>(decide(order{}, a_placement())->events[0]);
    auto wrong_total = placed;
    wrong_total.total += 1;
    const std::vector<std::vector<event>> illegal{
        {},
        {stock_reserved{}},
        {placed, placed},
        {wrong_total},
        {placed, payment_authorised{"p"}},
        {placed, stock_reserved{}, payment_captured{"p"}},
        {placed, stock_reserved{}, payment_authorised{"p"}, order_confirmed{}},
        {placed, stock_reserved{}, payment_authorised{"p"}, payment_captured{"p"}},
        {placed, stock_reserved{}, payment_authorised{"p"}, payment_captured{"p"}, payment_captured{"p"}},
        {placed, order_cancelled{cancel_reason::payment_declined, ""}},
        {placed, order_cancelled{cancel_reason::timed_out, ""}, stock_reserved{}},
        {placed, order_cancelled{cancel_reason::timed_out, ""}, payment_refunded{"x", 1}},
        {placed, order_cancelled{cancel_reason::out_of_stock, ""}, stock_released{}},
        {placed, stock_reserved{}, payment_authorised{"p"}, payment_captured{"p"}, order_confirmed{}, order_returned{"r", "", {{"A", 3, 1000}}, 3000}},
        {placed, stock_reserved{}, payment_authorised{"p"}, payment_captured{"p"}, order_confirmed{}, order_returned{"r", "", {{"A", 1, 1000}}, 999}},
        {placed, stock_reserved{}, payment_authorised{"p"}, payment_captured{"p"}, order_confirmed{}, payment_refunded{"r", 100}},
    };
    for (std::size_t i = 0; i < illegal.size(); ++i) EXPECT_FALSE(is_legal_walk(illegal[i])) << i;
    EXPECT_TRUE(is_legal_walk(std::vector<event>{placed}));
}

TEST(cancel_refund, has_the_same_id_however_often_it_is_decided) {
    EXPECT_EQ(cancel_refund_id(an_id), cancel_refund_id(an_id));
    EXPECT_NE(cancel_refund_id(an_id), cancel_refund_id(order_id{uuid::named("another")}));
}

}  // namespace
}  // namespace bv::order
