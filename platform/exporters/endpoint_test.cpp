#include "platform/exporters/endpoint.hpp"

#include <gtest/gtest.h>

namespace bv::exporters {
namespace {

result<endpoint> parse(std::string_view url) { return parse_endpoint("telemetry.otlp_endpoint", url, "/v1/traces", "http://127.0.0.1:4318"); }

TEST(export_endpoint, reads_scheme_host_port_and_path) {
    struct { const char* url; bool tls; const char* host; int port; const char* target; } const cases[] = {
        {"http://127.0.0.1:4318", false, "127.0.0.1", 4318, "/v1/traces"},
        {"http://collector", false, "collector", 80, "/v1/traces"},
        {"https://otlp.example/", true, "otlp.example", 443, "/v1/traces"},
        {"https://otlp.example:8443/tenant/", true, "otlp.example", 8443, "/tenant/v1/traces"},
        {"http://collector:4318/v1/traces", false, "collector", 4318, "/v1/traces"},
        {"http://collector/in?key=a", false, "collector", 80, "/in/v1/traces?key=a"},
        {"http://[::1]:4318", false, "::1", 4318, "/v1/traces"},
    };
    for (const auto& c : cases) {
        const auto e = parse(c.url);
        ASSERT_TRUE(e) << c.url << ": " << e.error().message;
        EXPECT_EQ(e->peer.tls, c.tls) << c.url;
        EXPECT_EQ(e->peer.host, c.host) << c.url;
        EXPECT_EQ(e->peer.port, c.port) << c.url;
        EXPECT_EQ(e->target, c.target) << c.url;
    }
}

TEST(export_endpoint, says_what_is_wrong_and_what_would_do) {
    for (const char* url : {"collector:4318", "grpc://collector:4317", "http://", "http://:4318", "http://a b", "http://collector:", "http://collector:0", "http://collector:70000",
                            "http://collector:43x", "http://[::1", "http://[zz]", "http://[::1]4318", "http://user@collector", "http://collector/a b", "http://collector/#part"}) {
        const auto e = parse(url);
        ASSERT_FALSE(e) << url;
        EXPECT_EQ(e.error().reason, "CONFIG_INVALID");
        EXPECT_TRUE(e.error().message.starts_with("telemetry.otlp_endpoint: \"")) << e.error().message;
        EXPECT_TRUE(e.error().message.ends_with("such as http://127.0.0.1:4318")) << e.error().message;
    }
}

}  // namespace
}  // namespace bv::exporters
