#include "platform/core/config.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace bv {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

config_schema a_schema() {
    config_schema s;
    s.boolean("http.compress", true, "compresses answers")
        .integer("http.port", 8080, {1, 65535}, "port of the public listener")
        .duration("http.idle_timeout", 60s, {1s, 1h}, "closes idle connections")
        .size("http.max_body", {1 << 20}, {{0}, {1 << 30}}, "largest request body")
        .text("sql.host", "localhost", "host of the database")
        .secret("sql.password", "password of the database")
        .choice("log.level", "info", {"debug", "info", "warn", "error"}, "least level that is logged")
        .list("roles", {"all"}, "modules of this process")
        .ignore_variable("BV_HOME");
    return s;
}

struct configuration : ::testing::Test {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("bv_config_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "_" + std::to_string(::getpid()));
    config_sources sources;

    configuration() { std::filesystem::create_directories(folder); }
    ~configuration() override { std::filesystem::remove_all(folder); }

    result<config> load() const { return config::load(a_schema(), sources); }
    void file(std::string_view text) {
        sources.file = (folder / "bv.yaml").string();
        std::ofstream(sources.file) << text;
    }
    std::vector<std::string> problems() const {
        const auto c = load();
        std::vector<std::string> out;
        if (c) return out;
        EXPECT_EQ(c.error().code, code::invalid_argument);
        for (const auto& v : c.error().violations) out.push_back(v.description);
        return out;
    }
};

TEST_F(configuration, without_sources_is_the_defaults) {
    const auto c = load();
    ASSERT_TRUE(c);
    EXPECT_EQ(c->get<int>("http.port"), 8080);
    EXPECT_TRUE(c->get<bool>("http.compress"));
    EXPECT_EQ(c->get<std::chrono::seconds>("http.idle_timeout"), 60s);
    EXPECT_EQ(c->get<std::size_t>("http.max_body"), 1U << 20);
    EXPECT_EQ(c->get<std::string>("sql.password"), "");
    EXPECT_THAT(c->get<std::vector<std::string>>("roles"), ElementsAre("all"));
    EXPECT_EQ(c->origin("http.port"), "default");
}

TEST_F(configuration, the_command_line_wins_over_environment_over_file_over_default) {
    file("http:\n  port: 1001\n  max_body: 64MB\n  idle_timeout: 250s\nroles: [order, payment]\n");
    sources.environment = {"PATH=/bin", "BV_HOME=/x", "BV_HTTP_PORT=1002", "BV_HTTP_MAX_BODY=2KB"};
    sources.flags = {"http.port=1003", "http.port=1004"};
    const auto c = load();
    ASSERT_TRUE(c) << c.error().message;
    EXPECT_EQ(c->get<int>("http.port"), 1004);
    EXPECT_EQ(c->origin("http.port"), "command line");
    EXPECT_EQ(c->get<std::size_t>("http.max_body"), 2048U);
    EXPECT_EQ(c->origin("http.max_body"), "BV_HTTP_MAX_BODY");
    EXPECT_EQ(c->get<std::chrono::milliseconds>("http.idle_timeout"), 250s);
    EXPECT_EQ(c->origin("http.idle_timeout"), "bv.yaml:4");
    EXPECT_THAT(c->get<std::vector<std::string>>("roles"), ElementsAre("order", "payment"));
}

TEST_F(configuration, an_unknown_key_is_refused_with_place_and_nearest_name) {
    file("http:\n  compress: true\n  prot: 8080\n");
    EXPECT_THAT(problems(), ElementsAre("unknown key http.prot in bv.yaml line 3; did you mean http.port?"));
    file("zebra: 1\n");
    EXPECT_THAT(problems(), ElementsAre("unknown key zebra in bv.yaml line 1"));
    file("");
    sources.environment = {"BV_HTTP_PROT=1"};
    sources.flags = {"htp.port=1", "http.port"};
    EXPECT_THAT(problems(), ElementsAre("unknown environment variable BV_HTTP_PROT in the environment; did you mean BV_HTTP_PORT?",
                                        "unknown key htp.port on the command line; did you mean http.port?",
                                        "http.port on the command line has no value: write http.port=value"));
}

TEST_F(configuration, every_problem_is_reported_at_once_with_what_is_allowed) {
    file("http:\n  port: 70000\n  idle_timeout: 5\n  compress: maybe\nlog.level: loud\nsql:\n  host: [a]\n");
    sources.flags = {"http.max_body=2TB"};
    EXPECT_THAT(problems(), ElementsAre("bv.yaml:2: http.port must be an integer from 1 to 65535, not \"70000\"",
                                        "bv.yaml:3: http.idle_timeout must be a duration such as 250ms, 2s, 5m or 1h from 1s to 1h, not \"5\"",
                                        "bv.yaml:4: http.compress must be true or false, not \"maybe\"",
                                        "bv.yaml:5: log.level must be one of debug, info, warn, error, not \"loud\"",
                                        "bv.yaml:7: sql.host must be a plain text",
                                        "command line: http.max_body must be a size such as 512B, 64KB, 64MB or 1GB from 0B to 1GB, not \"2TB\""));
}

TEST_F(configuration, a_broken_missing_or_repeating_file_is_refused) {
    file("http: [unclosed\n");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("is not valid YAML")));
    file("- a\n- b\n");
    EXPECT_THAT(problems(), ElementsAre("bv.yaml must be a map of keys to values"));
    file("http.port: 1\nhttp:\n  port: 2\n");
    EXPECT_THAT(problems(), ElementsAre("bv.yaml:3: http.port is given twice"));
    sources.file = (folder / "missing.yaml").string();
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("missing.yaml cannot be read")));
}

TEST_F(configuration, an_empty_file_and_an_empty_section_are_fine_and_an_empty_value_is_not) {
    file("");
    EXPECT_TRUE(load());
    file("# nothing\nhttp:\n");
    EXPECT_TRUE(load());
    file("http:\n  port:\n");
    EXPECT_THAT(problems(), ElementsAre("bv.yaml:2: http.port must be an integer from 1 to 65535, and is empty"));
}

TEST_F(configuration, print_shows_value_origin_and_description_but_no_secret) {
    file("http:\n  compress: false\n  port: 9090\nsql:\n  password: hunter2\n");
    const auto c = load();
    ASSERT_TRUE(c);
    EXPECT_EQ(c->get<std::string>("sql.password"), "hunter2");
    EXPECT_THAT(c->print(), HasSubstr("http.port = 9090  (bv.yaml:3)  port of the public listener\n"));
    EXPECT_THAT(c->print(), HasSubstr("http.idle_timeout = 1m  (default)  closes idle connections\n"));
    EXPECT_THAT(c->print(), HasSubstr("sql.password = ******  (bv.yaml:5)"));
    EXPECT_THAT(c->print(), Not(HasSubstr("hunter2")));
}

TEST_F(configuration, reading_an_unknown_key_or_another_type_is_a_bug) {
    const auto c = load();
    ASSERT_TRUE(c);
    EXPECT_DEATH((void)c->get<int>("http.prot"), "http.prot is not in the schema");
    EXPECT_DEATH((void)c->get<bool>("http.port"), "http.port is read as another type");
    EXPECT_DEATH(a_schema().boolean("http.port", true, "again"), "collide");
    EXPECT_DEATH(a_schema().boolean("http_port", true, "same variable"), "collide");
    EXPECT_DEATH(a_schema().integer("x", 0, {1, 2}, "outside"), "default of config key x must be an integer from 1 to 2");
}

TEST(config_value, durations_and_sizes_are_read_back_as_written) {
    config_entry d{"d", config_kind::duration, 0ms, "d"}, s{"s", config_kind::size, byte_count{}, "s"};
    EXPECT_TRUE(rc::check([&] {
        const config_value t = std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000'000));
        RC_ASSERT(detail::parse_config_value(d, detail::config_text(t)).value() == t);
        const config_value n = byte_count{*rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 60)};
        RC_ASSERT(detail::parse_config_value(s, detail::config_text(n)).value() == n);
    }));
    for (const char* bad : {"", "s", "5", "5 s", "1.5s", "5S", "9999999999999999999s", "9223372036854775807h"}) EXPECT_FALSE(detail::parse_config_value(d, bad)) << bad;
    for (const char* bad : {"", "64", "64mb", "-1KB", "64 MB", "9223372036854775807GB"}) EXPECT_FALSE(detail::parse_config_value(s, bad)) << bad;
}

TEST(config_value, lists_are_separated_by_commas) {
    config_entry l{"l", config_kind::list, std::vector<std::string>{}, "l"};
    const config_value expected = std::vector<std::string>{"a", "b c"};
    EXPECT_EQ(detail::parse_config_value(l, " a, b c ,,").value(), expected);
    EXPECT_EQ(detail::parse_config_value(l, "").value(), config_value(std::vector<std::string>{}));
}

TEST(nearest_name, is_near_or_nothing) {
    const std::vector<std::string> names{"http.port", "http.host", "sql.host"};
    EXPECT_EQ(detail::nearest_name("http.prot", names), "http.port");
    EXPECT_EQ(detail::nearest_name("sql.hots", names), "sql.host");
    EXPECT_EQ(detail::nearest_name("telemetry", names), "");
}

}  // namespace
}  // namespace bv
