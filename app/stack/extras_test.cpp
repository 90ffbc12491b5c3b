#include "app/stack/extras.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace bv::stack {
namespace {

using names = std::vector<std::string>;

TEST(extras, are_named_once_or_in_lists) {
    EXPECT_FALSE(parse_extras(names{})->redis);
    EXPECT_TRUE(parse_extras(names{"redis"})->redis);
    EXPECT_TRUE(parse_extras(names{"redis,redis", "redis"})->redis);
}

TEST(extras, have_a_name_for_all_that_watch) {
    const auto all = parse_extras(names{"redis,observability"});
    EXPECT_TRUE(all->redis && all->jaeger && all->collector && all->prometheus && all->alertmanager && all->victoria_metrics && all->victoria_logs);
    EXPECT_FALSE(all->kafka);
}

TEST(extras, that_there_are_not_are_told_with_those_that_there_are) {
    const auto wrong = parse_extras(names{"rediss"});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().reason, "UNKNOWN_EXTRA");
    EXPECT_EQ(wrong.error().message.find("--with: there is no \"rediss\" (did you mean redis?); there is: "), 0u) << wrong.error().message;
}

}  // namespace
}  // namespace bv::stack
