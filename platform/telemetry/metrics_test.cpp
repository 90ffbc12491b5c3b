#include "platform/telemetry/metrics.hpp"

#include <cmath>
#include <limits>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace bv::telemetry {
namespace {

// The part of the exposition that is about one family.
std::string family_text(const std::string& name) {
    std::istringstream in(exposition());
    std::string out;
    for (std::string line; std::getline(in, line);) {
        const std::string_view rest = std::string_view(line).substr(line.starts_with("# ") ? 7 : 0);
        if (rest.starts_with(name)) out += line + "\n";
    }
    return out;
}

TEST(exposition, of_counters_is_golden) {
    count("test_requests_total", "Requests handled.", {{"route", "/v1/orders"}, {"code", "200"}}).add(3);
    count("test_requests_total", "Requests handled.", {{"code", "500"}, {"route", "/v1/orders"}}).add();
    count("test_requests_total", "Requests handled.").add(7);
    EXPECT_EQ(family_text("test_requests_total"),
              "# HELP test_requests_total Requests handled.\n"
              "# TYPE test_requests_total counter\n"
              "test_requests_total 7\n"
              "test_requests_total{code=\"200\",route=\"/v1/orders\"} 3\n"
              "test_requests_total{code=\"500\",route=\"/v1/orders\"} 1\n");
}

TEST(exposition, escapes_help_and_label_values) {
    measure("test_escaped", "A \"quoted\" back\\slash\nand line.", {{"path", "C:\\DIR\\\"FILE\"\n"}}).set(1.5);
    EXPECT_EQ(family_text("test_escaped"),
              "# HELP test_escaped A \"quoted\" back\\\\slash\\nand line.\n"
              "# TYPE test_escaped gauge\n"
              "test_escaped{path=\"C:\\\\DIR\\\\\\\"FILE\\\"\\n\"} 1.5\n");
}

TEST(exposition, writes_special_values_as_prometheus_reads_them) {
    measure("test_special", "s", {{"v", "a"}}).set(std::nan(""));
    measure("test_special", "s", {{"v", "b"}}).set(std::numeric_limits<double>::infinity());
    measure("test_special", "s", {{"v", "c"}}).set(-std::numeric_limits<double>::infinity());
    measure("test_special", "s", {{"v", "d"}}).set(1e21);
    EXPECT_EQ(family_text("test_special"),
              "# HELP test_special s\n# TYPE test_special gauge\n"
              "test_special{v=\"a\"} NaN\ntest_special{v=\"b\"} +Inf\ntest_special{v=\"c\"} -Inf\ntest_special{v=\"d\"} 1e+21\n");
}

TEST(exposition, of_a_histogram_has_cumulative_buckets_sum_and_count) {
    histogram& h = time("test_seconds", "Time.", {{"op", "read"}});
    for (const double v : {0.0001, 0.0005, 0.003, 0.003, 100.0}) h.observe(v);
    EXPECT_EQ(family_text("test_seconds"),
              "# HELP test_seconds Time.\n# TYPE test_seconds histogram\n"
              "test_seconds_bucket{op=\"read\",le=\"0.0005\"} 2\n"
              "test_seconds_bucket{op=\"read\",le=\"0.001\"} 2\n"
              "test_seconds_bucket{op=\"read\",le=\"0.0025\"} 2\n"
              "test_seconds_bucket{op=\"read\",le=\"0.005\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"0.01\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"0.025\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"0.05\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"0.1\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"0.2\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"0.5\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"1\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"2.5\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"5\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"10\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"30\"} 4\n"
              "test_seconds_bucket{op=\"read\",le=\"+Inf\"} 5\n"
              "test_seconds_sum{op=\"read\"} 100.0066\n"
              "test_seconds_count{op=\"read\"} 5\n");
}

TEST(exposition, reads_observed_gauges_at_scrape_time_until_forgotten) {
    double depth = 1;
    observe("test_queue_depth", "Depth.", [&] { return depth; }, {{"queue", "a"}});
    observe("test_queue_depth", "Depth.", [] { return 9.0; }, {{"queue", "b"}});
    depth = 4;
    EXPECT_NE(family_text("test_queue_depth").find("{queue=\"a\"} 4\n"), std::string::npos);
    observe("test_queue_depth", "Depth.", [] { return 5.0; }, {{"queue", "a"}});
    EXPECT_NE(family_text("test_queue_depth").find("{queue=\"a\"} 5\n"), std::string::npos);
    forget("test_queue_depth", {{"queue", "a"}});
    EXPECT_EQ(family_text("test_queue_depth").find("queue=\"a\""), std::string::npos);
    forget("test_queue_depth", {{"queue", "b"}});
    EXPECT_EQ(family_text("test_queue_depth"), "");
}

TEST(exposition, survives_a_reader_that_throws) {
    observe("test_broken", "b", []() -> double { throw 1; });
    EXPECT_NE(family_text("test_broken").find("test_broken NaN\n"), std::string::npos);
    forget("test_broken");
}

TEST(exposition, is_well_formed_and_tells_of_the_process) {
    const std::string text = exposition();
    for (const char* name : {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_start_time_seconds"})
        EXPECT_NE(text.find(std::string("\n") + name + " "), std::string::npos) << name;
    EXPECT_TRUE(text.ends_with('\n'));
    static const std::regex line_form(R"(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? (NaN|[+-]Inf|[-+0-9.e]+))");
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) EXPECT_TRUE(std::regex_match(line, line_form)) << line;
}

TEST(metrics, the_same_name_and_labels_are_the_same_series) {
    counter& a = count("test_same_total", "s", {{"x", "1"}, {"y", "2"}});
    counter& b = count("test_same_total", "s", {{"y", "2"}, {"x", "1"}});
    EXPECT_EQ(&a, &b);
    EXPECT_NE(&a, &count("test_same_total", "s", {{"x", "2"}, {"y", "1"}}));
}

TEST(metrics, unbounded_labels_share_one_series) {
    for (int i = 0; i < 1500; ++i) count("test_unbounded_total", "u", {{"id", std::to_string(i)}}).add();
    const std::string text = family_text("test_unbounded_total");
    EXPECT_EQ(std::ranges::count(text, '\n'), 2 + 1001);
    EXPECT_NE(text.find("test_unbounded_total{overflow=\"true\"} 500\n"), std::string::npos);
}

TEST(metrics, counts_of_many_threads_add_up) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i < 2000; ++i) {
                count("test_threads_total", "t").add();
                time("test_threads_seconds", "t").observe(0.5);
            }
        });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(count("test_threads_total", "t").value(), 8000u);
    EXPECT_EQ(time("test_threads_seconds", "t").count(), 8000u);
    EXPECT_DOUBLE_EQ(time("test_threads_seconds", "t").sum(), 4000.0);
}

TEST(metrics, quantiles_are_interpolated_within_their_bucket) {
    histogram h;
    EXPECT_EQ(h.quantile(0.5), 0);
    for (int i = 0; i < 100; ++i) h.observe(0.007);  // the bucket 0.005 … 0.01
    EXPECT_NEAR(h.quantile(0.5), 0.0075, 1e-9);
    EXPECT_NEAR(h.quantile(1), 0.01, 1e-9);
    histogram slow;
    slow.observe(1000);
    EXPECT_EQ(slow.quantile(0.99), 30);
    EXPECT_EQ(slow.bucket(histogram::buckets), 1u);
}

TEST(metrics, a_value_that_is_no_number_does_not_spoil_the_sum) {
    histogram h;
    h.observe(std::nan(""));
    h.observe(1);
    EXPECT_EQ(h.count(), 2u);
    EXPECT_EQ(h.sum(), 1);
}

TEST(metrics_death, one_name_for_two_kinds_is_a_bug) {
    count("test_kind", "k");
    EXPECT_DEATH(measure("test_kind", "k"), "type");
    EXPECT_DEATH(count("test-dash", "k"), "valid_name");
    EXPECT_DEATH(count("test_label", "k", {{"le", "1"}}), "le");
}

}  // namespace
}  // namespace bv::telemetry
