#include "app/load/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bv::load {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string problem_of(const std::string& text) {
    const auto s = parse_scenario(text, "mine.yaml");
    return s ? "it was taken" : s.error().message;
}

TEST(scenario, every_built_in_one_can_be_read) {
    for (const auto& b : builtin_scenarios()) {
        const auto s = find_scenario(std::string(b.name));
        ASSERT_TRUE(s) << s.error().message;
        EXPECT_TRUE(s->rate > 0 || s->callers > 0) << b.name;
    }
}

TEST(scenario, reads_calls_of_its_own) {
    const auto s = parse_scenario("callers: 4\nduration: 1m\nwarm_up: 500ms\ncalls:\n  read-product: 3\n  mine:\n    weight: 2\n    verb: POST\n    target: /v1/orders\n"
                                  "    body: '{\"lines\":{lines}}'\n    as: importer\n    key: true\n", "mine.yaml");
    ASSERT_TRUE(s) << s.error().message;
    EXPECT_EQ(s->duration, 60s);
    EXPECT_EQ(s->warm_up, 500ms);
    EXPECT_EQ(s->most_under_way(), 4);
    EXPECT_EQ(s->calls[0].target, "/v1/products/{sku}");
    EXPECT_EQ(s->calls[0].weight, 3);
    EXPECT_EQ(s->calls[1].verb, http::verb::post);
    EXPECT_EQ(s->calls[1].as, caller::importer);
    EXPECT_TRUE(s->calls[1].keyed);
    EXPECT_TRUE(s->needs("{lines}"));
    EXPECT_FALSE(s->needs("{order}"));
}

TEST(scenario, says_where_it_is_wrong_and_what_would_be_right) {
    EXPECT_THAT(problem_of("rate: 5\nclals:\n  journey: 1\n"), HasSubstr("mine.yaml:3: there is no key clals; known are rate"));
    EXPECT_THAT(problem_of("calls:\n  read-prodcut: 1\n"), HasSubstr("mine.yaml:2: there is no call read-prodcut built in; there are read-product"));
    EXPECT_THAT(problem_of("rate: fast\ncalls:\n  journey: 1\n"), HasSubstr("mine.yaml:1: rate must be a number from"));
    EXPECT_THAT(problem_of("duration: 5\ncalls:\n  journey: 1\n"), HasSubstr("duration must be a time such as 500ms"));
    EXPECT_THAT(problem_of("calls:\n  mine:\n    target: /v1/{skuu}\n"), HasSubstr("mine.yaml:3: there is no placeholder {skuu}"));
    EXPECT_THAT(problem_of("calls:\n  mine:\n    verb: FETCH\n    target: /\n"), HasSubstr("verb must be GET"));
    EXPECT_THAT(problem_of("calls:\n  mine:\n    weight: 1\n"), HasSubstr("mine needs a target"));
    EXPECT_THAT(problem_of("rate: 5\n"), HasSubstr("names no call"));
    EXPECT_THAT(problem_of("rate: [\n"), HasSubstr("mine.yaml:"));
    EXPECT_THAT(find_scenario("no-such").error().message, HasSubstr("no scenario no-such built in (calls, journey"));
}

TEST(scenario, knows_times) {
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("2h"), 2h);
    for (const auto* bad : {"", "s", "5", "-1s", "5x", "25h", "nans"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

}  // namespace
}  // namespace bv::load
