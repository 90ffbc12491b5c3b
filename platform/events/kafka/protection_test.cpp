#include "platform/events/kafka/protection.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/events/kafka/client.hpp"

namespace bv::events::kafka {
namespace {

using ::testing::HasSubstr;

protection with_login() { return {.protocol = "sasl_plaintext", .user = "shop", .password = "known"}; }

std::string refusal(const protection& p) {
    const auto checked = check(p);
    return checked ? "" : checked.error().message;
}

TEST(protection, that_is_complete_is_taken) {
    EXPECT_EQ(refusal({}), "");
    EXPECT_EQ(refusal({.protocol = "ssl"}), "");
    EXPECT_EQ(refusal(with_login()), "");
    auto both = with_login();
    both.protocol = "sasl_ssl";
    EXPECT_EQ(refusal(both), "");
}

TEST(protection, that_does_not_go_together_is_told_with_the_setting_that_mends_it) {
    struct row {
        protection given;
        const char* told;
    };
    const std::vector<row> table{
        {{.protocol = "sasl_ssl"}, "kafka.security=sasl_ssl needs kafka.user"},
        {{.protocol = "sasl_ssl", .user = "shop"}, "BV_KAFKA_PASSWORD"},
        {{.protocol = "ssl", .user = "shop"}, "kafka.security=ssl has no login"},
        {{.ca_file = "/dev/null"}, "kafka.ca_file is given, and kafka.security=plaintext uses no TLS"},
        {{.protocol = "ssl", .certificate_file = "/dev/null"}, "kafka.certificate_file and kafka.key_file go together"},
        {{.protocol = "ssl", .ca_file = "/no/ca.pem"}, "kafka.ca_file: \"/no/ca.pem\" cannot be read: No such file"},
    };
    for (const auto& r : table) EXPECT_THAT(refusal(r.given), HasSubstr(r.told));
}

TEST(protection, is_what_a_client_is_made_with) {
    EXPECT_EQ(properties_of({}), (properties{{"security.protocol", "plaintext"}}));
    EXPECT_EQ(properties_of({.protocol = "ssl", .ca_file = "ca", .certificate_file = "own", .key_file = "key"}),
              (properties{{"security.protocol", "ssl"}, {"ssl.ca.location", "ca"}, {"ssl.certificate.location", "own"}, {"ssl.key.location", "key"}}));
    EXPECT_EQ(properties_of(with_login()),
              (properties{{"security.protocol", "sasl_plaintext"}, {"sasl.mechanism", "PLAIN"}, {"sasl.username", "shop"}, {"sasl.password", "known"}}));
    EXPECT_TRUE(make_client(RD_KAFKA_PRODUCER, {"127.0.0.1:1", with_login()}, {}));
}

TEST(protection, with_a_file_that_is_no_certificate_makes_no_client_and_says_where_to_look) {
    const auto file = std::filesystem::temp_directory_path() / ("bv-no-ca-" + std::to_string(::getpid()));
    std::ofstream(file) << "rubbish";
    try {
        (void)make_client(RD_KAFKA_PRODUCER, {"127.0.0.1:1", {.protocol = "ssl", .ca_file = file}}, {});
        ADD_FAILURE() << "a client was made";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "KAFKA_CONFIGURATION");
        EXPECT_THAT(f.error().message, HasSubstr("kafka.ca_file"));
    }
    std::filesystem::remove(file);
}

// What librdkafka 2 says of a connection, and what people are told.
TEST(protection, that_a_broker_does_not_go_along_with_is_told_with_the_setting_that_mends_it) {
    const protection plain, tls{.protocol = "ssl"};
    struct row {
        protection given;
        rd_kafka_resp_err_t code;
        const char *said, *told;
    };
    const std::vector<row> table{
        {with_login(), RD_KAFKA_RESP_ERR__AUTHENTICATION, "x: SASL authentication error: Authentication failed", "refuses the login of shop: see kafka.user, kafka.password"},
        {with_login(), RD_KAFKA_RESP_ERR__AUTHENTICATION, "x: Broker: Unsupported SASL mechanism: broker's supported mechanisms: GSSAPI", "login by PLAIN: set kafka.sasl_mechanism"},
        {tls, RD_KAFKA_RESP_ERR__SSL, "x: SSL handshake failed: certificate verify failed", "a certificate that is trusted, and of the name it is called by: see kafka.ca_file"},
        {tls, RD_KAFKA_RESP_ERR__SSL, "x: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?", "speaks no TLS there: see kafka.security"},
        {tls, RD_KAFKA_RESP_ERR__TRANSPORT, "x: Receive failed: SSL routines::sslv3 alert bad certificate", "see kafka.certificate_file and kafka.key_file"},
        {plain, RD_KAFKA_RESP_ERR__TRANSPORT, "x: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?)",
         "does not speak without TLS there: see kafka.security, which is plaintext"},
        {plain, RD_KAFKA_RESP_ERR__BAD_MSG, "x: Invalid response size 352518912 (0..100000000)", "does not speak without TLS there"},
        {tls, RD_KAFKA_RESP_ERR__TRANSPORT, "x: Disconnected: verify that security.protocol is correctly configured, broker might require SASL authentication", "takes nobody there without a login"},
    };
    for (const auto& r : table) EXPECT_THAT(diagnosis(r.given, r.code, r.said), HasSubstr(r.told));
    EXPECT_EQ(diagnosis(tls, RD_KAFKA_RESP_ERR__TRANSPORT, "x: Connect to ipv4#127.0.0.1:1 failed: Connection refused"), "");
}

TEST(protection, by_scram_is_told_of_a_library_that_cannot_do_it) {
    auto p = with_login();
    const auto told = [&p](int library) { return diagnosis(p, RD_KAFKA_RESP_ERR__AUTHENTICATION, "x: Authentication failed", library); };
    EXPECT_EQ(told(0x020002ff).find("librdkafka"), std::string::npos);
    p.mechanism = "SCRAM-SHA-512";
    EXPECT_THAT(told(0x020002ff), HasSubstr("use PLAIN over TLS, or a certificate"));
    EXPECT_EQ(told(0x020601ff).find("librdkafka"), std::string::npos);
}

}  // namespace
}  // namespace bv::events::kafka
