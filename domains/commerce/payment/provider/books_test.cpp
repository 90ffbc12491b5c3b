#include "domains/commerce/payment/provider/books.hpp"

#include <gtest/gtest.h>

#include "domains/commerce/payment/provider/journal.hpp"
#include "domains/commerce/payment/provider/wire.hpp"

namespace bv::payment_provider {
namespace {

struct a_provider {
    books b;
    behaviour how;

    result<record> ask(command c) {
        auto r = b.decide(c, how, time_point{});
        if (r && r->sequence > b.last()) EXPECT_TRUE(b.apply(*r));
        return r;
    }
    result<record> authorise(std::string key, std::int64_t amount = 1000, std::string method = "card_ok") {
        return ask({operation::authorise, std::move(key), "", amount, "GBP", std::move(method), "order-1"});
    }
    result<record> then(operation op, std::string key, std::string authorisation, std::int64_t amount = 0, std::string currency = "GBP") {
        return ask({op, std::move(key), std::move(authorisation), amount, op == operation::void_ ? "" : std::move(currency)});
    }
};

TEST(provider_books, give_a_key_the_same_answer_and_do_its_work_once) {
    a_provider p;
    const auto a = p.authorise("a1");
    p.then(operation::capture, "c1", a->authorisation, 1000);
    const auto again = p.then(operation::capture, "c1", a->authorisation, 1000);
    EXPECT_TRUE(again->done);
    EXPECT_EQ(again->sequence, 2);
    EXPECT_EQ(p.b.totals().captured["GBP"], 1000);
}

TEST(provider_books, refuse_a_key_with_another_body) {
    a_provider p;
    p.authorise("a1", 1000);
    const auto other = p.authorise("a1", 1001);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().reason, "IDEMPOTENCY_KEY_REUSED");
}

TEST(provider_books, never_move_more_than_was_agreed) {
    struct {
        operation op;
        std::int64_t amount;
        const char* currency;
        const char* reason;
    } const steps[]{
        {operation::capture, 1001, "GBP", "more_than_authorised"},
    };
    for (const auto& s : steps) {
        a_provider p;
        const auto a = p.authorise("a1");
        EXPECT_EQ(p.then(s.op, "x", a->authorisation, s.amount, s.currency)->reason, s.reason);
    }
    a_provider p;
    const auto a = p.authorise("a1")->authorisation;
    EXPECT_EQ(p.then(operation::refund, "r0", a, 1)->reason, "more_than_captured");
    EXPECT_EQ(p.then(operation::capture, "c0", a, 10, "EUR")->reason, "another_currency");
}

TEST(provider_books, follow_an_authorisation_to_its_end) {
    a_provider p;
    const auto a = p.authorise("a1")->authorisation;
    EXPECT_TRUE(p.then(operation::capture, "c1", a, 1000)->done);
    EXPECT_EQ(p.then(operation::capture, "c2", a, 1)->reason, "already_captured");
    EXPECT_EQ(p.then(operation::void_, "v1", a)->reason, "already_captured");
    EXPECT_TRUE(p.then(operation::refund, "r1", a, 400)->done);
    EXPECT_EQ(p.then(operation::refund, "r2", a, 601)->reason, "more_than_captured");
    EXPECT_TRUE(p.then(operation::refund, "r3", a, 600)->done);
    EXPECT_EQ(p.b.totals().refunded["GBP"], 1000);
}

TEST(provider_books, a_voided_or_declined_authorisation_holds_nothing) {
    a_provider p;
    const auto a = p.authorise("a1")->authorisation;
    EXPECT_TRUE(p.then(operation::void_, "v1", a)->done);
    EXPECT_EQ(p.then(operation::capture, "c1", a, 1000)->reason, "authorisation_expired");
    const auto declined = p.authorise("a2", 5, "card_declined");
    EXPECT_EQ(declined->reason, "card_declined");
    EXPECT_EQ(p.then(operation::capture, "c2", declined->authorisation, 5)->reason, "authorisation_expired");
    EXPECT_TRUE(p.then(operation::void_, "v2", declined->authorisation)->done);
}

TEST(provider_books, decline_by_card_and_by_rate) {
    a_provider p;
    EXPECT_EQ(p.authorise("a1", 5, "card_insufficient_funds")->reason, "insufficient_funds");
    EXPECT_EQ(p.authorise("a2", 5, "gold_bar")->reason, "unknown_payment_method");
    const auto failing = p.authorise("a3", 5, "card_capture_fails")->authorisation;
    EXPECT_EQ(p.then(operation::capture, "c3", failing, 5)->reason, "authorisation_expired");
    p.how.decline_rate = 0.25;
    int declined = 0;
    for (int i = 0; i < 4000; ++i) declined += p.authorise("k" + std::to_string(i))->done ? 0 : 1;
    EXPECT_NEAR(declined, 1000, 150);
}

TEST(provider_books, an_unknown_authorisation_is_not_found) {
    a_provider p;
    EXPECT_EQ(p.then(operation::void_, "v", "pa_99").error().reason, "UNKNOWN_AUTHORISATION");
}

TEST(provider_books, are_listed_by_sequence) {
    a_provider p;
    for (int i = 0; i < 5; ++i) p.authorise("a" + std::to_string(i));
    const auto page = p.b.list(1, 2, p.b.last());
    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(page[0]->sequence, 2);
    EXPECT_EQ(p.b.list(3, 10, 4).size(), 1U);
    EXPECT_TRUE(p.b.list(5, 10, 5).empty());
}

TEST(provider_journal_line, is_read_back_and_notices_damage) {
    a_provider p;
    const auto r = *p.authorise("a1", 1000, "card_declined");
    auto line = to_line(r);
    line.pop_back();
    const auto back = from_line(line);
    ASSERT_TRUE(back);
    EXPECT_EQ(to_json(*back), to_json(r));
    EXPECT_EQ(to_line(*back), to_line(r));
    for (std::size_t i = 0; i < line.size(); ++i) {
        auto damaged = line;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        EXPECT_FALSE(from_line(damaged)) << i;
        EXPECT_FALSE(from_line(line.substr(0, i))) << i;
    }
}

TEST(provider_wire, names_every_wrong_field) {
    const auto bad = parse_command(operation::authorise, "k", R"({"amount":{"currency":"gbp","minor_units":-1},"payment_method":"a b"})");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().violations.size(), 4U);
    EXPECT_FALSE(parse_command(operation::void_, "k k", R"({"authorisation":"pa_1"})"));
    EXPECT_FALSE(parse_command(operation::void_, "k", "[1]"));
    EXPECT_FALSE(parse_command(operation::void_, "k", "{"));
}

TEST(provider_wire, changes_only_the_behaviour_that_is_named) {
    const auto b = parse_behaviour({.decline_rate = 0.5}, R"({"delay_ms": 20})");
    ASSERT_TRUE(b);
    EXPECT_EQ(b->decline_rate, 0.5);
    EXPECT_EQ(b->delay, milliseconds(20));
    EXPECT_FALSE(parse_behaviour({}, R"({"decline_rate": 1.5})"));
    EXPECT_FALSE(parse_behaviour({}, R"({"decline": 1})"));
    EXPECT_EQ(*parse_behaviour({}, to_json(*b)), *b);
}

}  // namespace
}  // namespace bv::payment_provider
