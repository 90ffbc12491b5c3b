#include "domains/commerce/payment/adapters/provider_wire.hpp"

#include <gmock/gmock.h>

namespace bv::payment {
namespace {

const provider_call a_capture{.key = "capture:1", .kind = operation_kind::capture, .amount = {1099, "GBP"_cur}, .authorisation = "pa_1"};
constexpr std::string_view done = R"({"key":"capture:1","sequence":7,"operation":"capture","status":"done","reason":"","authorisation":"pa_1",
                                      "amount":{"currency":"GBP","minor_units":1099}})";

TEST(provider_wire, writes_what_each_operation_needs) {
    EXPECT_EQ(to_request(a_capture).target, "/v1/captures");
    EXPECT_EQ(to_request(a_capture).body, R"({"authorisation":"pa_1","amount":{"currency":"GBP","minor_units":1099}})");
    EXPECT_EQ(to_request({.kind = operation_kind::void_, .authorisation = "pa_1"}).body, R"({"authorisation":"pa_1"})");
    EXPECT_EQ(to_request({.kind = operation_kind::authorise, .amount = {5, "JPY"_cur}, .method = "card_ok", .order = "o"}).body,
              R"({"payment_method":"card_ok","reference":"o","amount":{"currency":"JPY","minor_units":5}})");
}

TEST(provider_wire, takes_only_a_plain_statement_of_the_provider_for_an_outcome) {
    auto ask = a_capture;
    ask.ask = true;
    struct {
        const provider_call& call;
        int status;
        std::string_view body;
        answer_kind expected;
    } const cases[]{
        {a_capture, 200, done, answer_kind::settled},
        {ask, 200, done, answer_kind::settled},
        {a_capture, 200, "", answer_kind::in_doubt},
        {a_capture, 200, R"({"key":"capture:2","sequence":7,"operation":"capture","status":"done","amount":{}})", answer_kind::in_doubt},
        {a_capture, 200, R"({"key":"capture:1","sequence":7,"operation":"refund","status":"done","amount":{}})", answer_kind::in_doubt},
        {a_capture, 200, R"({"key":"capture:1","sequence":7,"operation":"capture","status":"pending","amount":{}})", answer_kind::in_doubt},
        {a_capture, 302, "", answer_kind::in_doubt},
        {a_capture, 500, "", answer_kind::in_doubt},
        {a_capture, 503, R"({"title":"UNAVAILABLE"})", answer_kind::in_doubt},
        {a_capture, 409, "", answer_kind::in_doubt},
        {a_capture, 429, "", answer_kind::not_sent},
        {ask, 429, "", answer_kind::in_doubt},
        {ask, 404, R"({"title":"UNKNOWN_KEY"})", answer_kind::not_seen},
        {ask, 404, "<html>another server</html>", answer_kind::in_doubt},
        {a_capture, 404, "<html>another server</html>", answer_kind::rejected},
        {a_capture, 404, R"({"title":"UNKNOWN_AUTHORISATION"})", answer_kind::settled},
        {a_capture, 422, R"({"title":"IDEMPOTENCY_KEY_REUSED"})", answer_kind::rejected},
        {a_capture, 401, R"({"title":"UNAUTHENTICATED"})", answer_kind::rejected},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::Message() << (c.call.ask ? "ask " : "send ") << c.status << " " << c.body);
        EXPECT_EQ(to_answer(c.call, c.status, c.body, "").kind, c.expected);
    }
    EXPECT_TRUE(to_answer(a_capture, 200, done, "").outcome.done);
    EXPECT_FALSE(to_answer(a_capture, 404, R"({"title":"UNKNOWN_AUTHORISATION"})", "").outcome.done);
    EXPECT_EQ(to_answer(a_capture, 200, done, "").sequence, 7);
    EXPECT_EQ(to_answer(a_capture, 429, "", "3").retry_after, milliseconds(3'000));
}

TEST(provider_wire, reads_lists_and_totals_or_says_that_it_cannot) {
    const auto list = parse_records("{\"operations\":[" + std::string(done) + "],\"last\":7}");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->at(0).amount, (money{1099, "GBP"_cur}));
    EXPECT_FALSE(parse_records(R"({"operations":[{}]})"));
    EXPECT_FALSE(parse_records("[]"));
    EXPECT_EQ(parse_totals(R"({"captured":{"GBP":5,"EUR":0},"refunded":{}})")->captured, (std::map<std::string, std::int64_t>{{"GBP", 5}}));
    EXPECT_FALSE(parse_totals(R"({"captured":{"GBP":5.5},"refunded":{}})"));
}

}  // namespace
}  // namespace bv::payment
