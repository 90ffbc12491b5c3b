#include "app/load/report.hpp"

#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bv::load {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

report a_report() {
    report r;
    r.how = {.name = "a < b", .rate = 10, .duration = 2s, .warm_up = 0s};
    r.how.calls = {{.name = "read", .target = "/"}};
    r.seconds = 2;
    r.slots.resize(2);
    auto& read = r.rows["read"];
    for (int i = 0; i < 20; ++i) {
        ++read.answered, ++read.in_time;
        read.latency.add(std::chrono::milliseconds(1 + i));
        ++r.slots[i / 10].answered;
        r.slots[i / 10].latency.add(std::chrono::milliseconds(1 + i));
    }
    read.errors["429 RATE_LIMITED"] = 5;
    r.rows["journey"].is_request = false;
    r.rows["journey"].answered = 7;
    return r;
}

TEST(load_report, sums_requests_up_and_not_stretches_of_them) {
    const auto r = a_report();
    EXPECT_EQ(r.total().answered, 20u);
    EXPECT_EQ(r.per_second(), 10);
    EXPECT_EQ(r.failed_share(), 0.2);
    const auto json = to_json(r);
    EXPECT_EQ(json.at("answered").to_number<int>(), 20);
    EXPECT_EQ(json.at("errors").at("429 RATE_LIMITED").to_number<int>(), 5);
    EXPECT_EQ(json.at("latency_us").at("max").to_number<int>(), 20'000);
}

TEST(load_report, doubts_itself_when_the_generator_was_the_limit) {
    auto r = a_report();
    r.rows["read"].errors.clear();
    EXPECT_TRUE(r.doubts().empty());
    r.generator.cpu_share = 0.97;
    EXPECT_THAT(r.doubts(), Contains(HasSubstr("The generator is the bottleneck: it used 97 %")));
    r.generator.lateness.add(20ms);
    EXPECT_THAT(r.doubts(), Contains(HasSubstr("The generator sent late")));
    r.generator.waited = 3;
    EXPECT_THAT(r.doubts(), Contains(HasSubstr("3 arrivals waited for one of the 256 callers")));
}

TEST(load_report, is_a_table_with_the_errors_by_kind) {
    std::ostringstream out;
    print(a_report(), out);
    EXPECT_THAT(out.str(), HasSubstr("open loop, 10 arrivals a second"));
    EXPECT_THAT(out.str(), HasSubstr("429 RATE_LIMITED"));
}

TEST(load_report, is_a_picture_that_is_well_formed) {
    const auto svg = picture(a_report());
    EXPECT_THAT(svg, HasSubstr("a &lt; b"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
    EXPECT_THAT(picture({}), Not(HasSubstr("nan"))) << "nothing was measured";
}

TEST(load_report, shows_times_with_three_figures) {
    EXPECT_EQ(shown(870), "870 µs");
    EXPECT_EQ(shown(1'240), "1.24 ms");
    EXPECT_EQ(shown(31'000), "31.0 ms");
    EXPECT_EQ(shown(3'100'000), "3.10 s");
}

}  // namespace
}  // namespace bv::load
