#include "platform/telemetry/log.hpp"

#include <regex>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "platform/telemetry/json_text.hpp"
#include "platform/telemetry/masking.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::telemetry {
namespace {

class logging : public testing::Test {
protected:
    void SetUp() override {
        file_ = ::open("/tmp", O_TMPFILE | O_RDWR, 0600);
        ASSERT_GE(file_, 0);
        set_log_descriptor(file_);
    }
    void TearDown() override {
        set_log_descriptor(2);
        set_log_level(level::info);
        ::close(file_);
    }
    std::string written() const {
        std::string out(1 << 20, '\0');
        const ssize_t n = ::pread(file_, out.data(), out.size(), 0);
        out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return out;
    }
    // Without the time, which comes first.
    std::string line() const {
        const std::string all = written();
        const auto at = all.find("\"level\"");
        return at == std::string::npos ? all : all.substr(at);
    }
    int file_ = -1;
};

TEST_F(logging, a_line_is_one_json_object_with_typed_fields) {
    info("order.placed", {{"order_id", "0190"}, {"lines", 3}, {"ratio", 0.5}, {"guest", true}, {"big", std::uint64_t{7}}});
    EXPECT_EQ(line(), R"("level":"info","event":"order.placed","order_id":"0190","lines":3,"ratio":0.5,"guest":true,"big":7})" "\n");
    EXPECT_TRUE(std::regex_search(written(), std::regex(R"re(^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",)re")));
}

TEST_F(logging, a_line_carries_the_trace) {
    warn("payment.slow", {}, span_context::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    EXPECT_EQ(line(), R"("level":"warn","event":"payment.slow","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"})" "\n");
}

TEST_F(logging, hostile_text_stays_one_valid_line) {
    error("x", {{"text", "a\"b\\c\nd\re\tf\x01g\x7f"}, {"bytes", "\xff\xc0\xaf ok \xed\xa0\x80"}, {"utf8", "žluťoučký 🐎"}});
    EXPECT_EQ(line(), "\"level\":\"error\",\"event\":\"x\",\"text\":\"a\\\"b\\\\c\\nd\\re\\tf\\u0001g\\u007f\","
                      "\"bytes\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd ok \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"utf8\":\"žluťoučký 🐎\"}\n");
}

TEST_F(logging, lines_below_the_level_are_not_written) {
    debug("quiet");
    EXPECT_EQ(written(), "");
    set_log_level(level::debug);
    debug("loud");
    EXPECT_NE(written(), "");
    set_log_level(level::error);
    EXPECT_FALSE(log_enabled(level::warn));
}

TEST_F(logging, sensitive_fields_are_masked_by_key_and_by_value) {
    info("x", {{"password", "hunter2"}, {"customer.Email", "a@b.example"}, {"card_number", 4111}, {"service_name", "order"},
               {"note", "from Ada.L+x@mail.example.com, thanks"}, {"password_rehashed", true}});
    EXPECT_EQ(line(), R"("level":"info","event":"x","password":"***","customer.Email":"***","card_number":"***","service_name":"order",)"
                      R"("note":"from ***, thanks","password_rehashed":true})" "\n");
}

TEST_F(logging, a_huge_value_is_cut) {
    info("x", {{"text", std::string(100'000, 'y')}});
    EXPECT_LT(written().size(), 3000u);
}

TEST_F(logging, lines_of_many_threads_do_not_mix) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i < 200; ++i) info("thread.line", {{"text", std::string(100, 'z')}});
        });
    }
    for (auto& t : threads) t.join();
    const std::string all = written();
    static const std::regex form("\\{\"time\":\"[^\"]+\",\"level\":\"info\",\"event\":\"thread.line\",\"text\":\"z{100}\"\\}\n");
    EXPECT_EQ(std::distance(std::sregex_iterator(all.begin(), all.end(), form), std::sregex_iterator()), 800);
}

TEST_F(logging, a_line_that_cannot_be_written_is_counted) {
    counter& dropped = count("log_lines_dropped_total", "Log lines that the output did not take.");
    const auto before = dropped.value();
    set_log_descriptor(-1);
    info("lost");
    EXPECT_EQ(dropped.value(), before + 1);
}

TEST(masking, of_keys) {
    for (const char* key : {"password", "new_password", "clientSecret", "refresh_token", "Authorization", "e_mail", "customer_email",
                            "phone", "billing-address", "first_name", "name", "set-cookie", "card", "SECRET_KEY"})
        EXPECT_TRUE(is_sensitive_key(key)) << key;
    for (const char* key : {"event_name", "service_name", "service.name", "role_name", "order_id", "sku", "http.route", "duration_ms",
                            "reason", "Service-Name"})
        EXPECT_FALSE(is_sensitive_key(key)) << key;
}

TEST(masking, of_text) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a@b", "***"},
        {"a@b.example", "***"},
        {"<a@b.example>", "<***>"},
        {"a@b.example,c@d.example.", "***,***."},
        {"twice a@b@c.example", "twice ***@c.example"},
        {"@handle", "@handle"},
        {"a@", "a@"},
        {"5 @ 3", "5 @ 3"},
        {"http://h/?to=a@b.example", "http://h/?to=***"},
        {"jürgen@bücher.example", "***"},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(masked_text(text), expected) << text;
}

TEST(json_text, numbers_that_json_has_not_are_null) {
    std::string out;
    append_json_number(out, 1.0 / 0.0);
    append_json_number(out, 2.5);
    EXPECT_EQ(out, "null2.5");
}

}  // namespace
}  // namespace bv::telemetry
