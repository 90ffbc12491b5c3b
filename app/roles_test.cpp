#include "app/roles.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace bv::app {
namespace {

std::vector<std::string> parsed(std::vector<std::string> given) { return parse_roles(given).value_or(std::vector<std::string>{}); }

TEST(Roles, WhomARoleCallsIsStartedBeforeIt) {
    std::vector<std::string_view> before;
    for (const auto& r : roles()) {
        for (const auto called : r.calls) EXPECT_NE(std::ranges::find(before, called), before.end()) << r.name << " calls " << called;
        before.push_back(r.name);
    }
}

TEST(Roles, AreListedEachOnceAndInTheTablesOrder) {
    EXPECT_EQ(parsed({"order,inventory", "order"}), (std::vector<std::string>{"inventory", "order"}));
    EXPECT_EQ(parsed({}), role_names());
}

TEST(Roles, AnUnknownOneIsRefusedWithTheNearestName) {
    const std::vector<std::string> wrong{"order,invetory"};
    const auto r = parse_roles(wrong);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().reason, "UNKNOWN_ROLE");
    EXPECT_NE(r.error().message.find("did you mean inventory?"), std::string::npos);
}

TEST(Roles, ThePictureShowsEveryRole) {
    const auto svg = graph_svg();
    for (const auto& name : role_names()) EXPECT_NE(svg.find(">" + name + "</text>"), std::string::npos) << name;
}

}  // namespace
}  // namespace bv::app
