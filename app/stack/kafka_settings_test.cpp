// How brokers are reached, from settings to what clients are made with.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "app/kafka_access.hpp"
#include "app/stack/settings.hpp"

namespace bv::stack {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class kafka_settings : public ::testing::Test {
protected:
    kafka_settings() {
        std::filesystem::create_directories(folder_);
        secrets = security::open_sealed_file(folder_);
    }
    ~kafka_settings() override {
        secrets.reset();
        std::filesystem::remove_all(folder_);
    }
    events::kafka::connection reached(std::vector<std::string> flags) { return app::kafka_connection(load_settings("", std::move(flags)), *secrets, "kafka-1:9093"); }
    std::string refusal(std::vector<std::string> flags) {
        try {
            (void)reached(std::move(flags));
        } catch (const failure& f) {
            return f.error().message;
        }
        return {};
    }

    std::unique_ptr<security::secrets> secrets;

private:
    const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("bv-kafka-settings-" + std::to_string(::getpid()));
};

TEST_F(kafka_settings, say_how_brokers_are_reached) {
    const auto c = reached({"kafka.security=sasl_ssl", "kafka.user=shop", "kafka.password=known", "kafka.sasl_mechanism=SCRAM-SHA-512", "kafka.client=linger.ms=5"});
    EXPECT_EQ(c.brokers, "kafka-1:9093");
    EXPECT_EQ(c.security.protocol, "sasl_ssl");
    EXPECT_EQ(c.security.mechanism, "SCRAM-SHA-512");
    EXPECT_EQ(c.security.user, "shop");
    EXPECT_EQ(c.security.password, "known");
    EXPECT_EQ(c.more, (events::kafka::properties{{"linger.ms", "5"}}));
}

TEST_F(kafka_settings, take_the_password_from_the_secrets_when_they_have_none) {
    secrets->put("kafka.password", "kept");
    EXPECT_EQ(reached({"kafka.security=sasl_ssl", "kafka.user=shop"}).security.password, "kept");
    EXPECT_EQ(reached({"kafka.security=sasl_ssl", "kafka.user=shop", "kafka.password=given"}).security.password, "given");
}

TEST_F(kafka_settings, are_refused_where_a_property_would_go_round_them) {
    EXPECT_THAT(refusal({"kafka.client=sasl.password=known"}), HasSubstr("sasl.password has a setting of its own: kafka.password"));
    EXPECT_THAT(refusal({"kafka.client=sasl.password=known"}), Not(HasSubstr("known")));
    EXPECT_THAT(refusal({"kafka.client=security.protocol=ssl"}), HasSubstr("kafka.security"));
    EXPECT_THAT(refusal({"kafka.client=linger"}), HasSubstr("is not of the form"));
    EXPECT_THAT(refusal({"kafka.security=sasl_ssl", "kafka.user=shop"}), HasSubstr("BV_KAFKA_PASSWORD"));
}

TEST_F(kafka_settings, never_print_the_password) {
    EXPECT_THAT(load_settings("", {"kafka.password=known-to-nobody"}).print(), Not(HasSubstr("known-to-nobody")));
}

TEST_F(kafka_settings, that_protect_are_refused_for_the_private_broker) {
    EXPECT_TRUE(app::check_private_kafka(load_settings("", {})));
    EXPECT_FALSE(app::check_private_kafka(load_settings("", {"kafka.security=ssl"})));
}

}  // namespace
}  // namespace bv::stack
