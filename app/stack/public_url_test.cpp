#include "app/stack/public_url.hpp"

#include <gtest/gtest.h>

#include "app/stack/settings.hpp"

namespace bv::stack {
namespace {

TEST(public_url, is_scheme_host_and_port_in_lower_case) {
    for (const auto& [given, meant] : std::initializer_list<std::pair<const char*, const char*>>{{"https://shop.example", "https://shop.example"},
                                                                                                {"HTTPS://Shop.Example/", "https://shop.example"},
                                                                                                {"http://10.0.0.7:9090", "http://10.0.0.7:9090"},
                                                                                                {"http://localhost:1", "http://localhost:1"},
                                                                                                {"https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"},
                                                                                                {"https://[::1]", "https://[::1]"}}) {
        const auto parsed = parse_public_url(given);
        ASSERT_TRUE(parsed) << given << ": " << parsed.error().message;
        EXPECT_EQ(*parsed, meant);
    }
}

TEST(public_url, anything_else_is_refused_with_what_is_wrong) {
    for (const auto& [given, why] : std::initializer_list<std::pair<const char*, const char*>>{{"shop.example", "does not begin with http"},
                                                                                              {"ftp://shop.example", "does not begin with http"},
                                                                                              {"https://", "names no host"},
                                                                                              {"https:///", "names no host"},
                                                                                              {"https://shop.example:", "names no host and port"},
                                                                                              {"https://shop.example:0", "names no host and port"},
                                                                                              {"https://shop.example:65536", "names no host and port"},
                                                                                              {"https://shop.example:8o", "names no host and port"},
                                                                                              {"https://shop..example", "names no host"},
                                                                                              {"https://-shop.example", "names no host"},
                                                                                              {"https://sh op.example", "names no host"},
                                                                                              {"https://[::1", "names no host"},
                                                                                              {"https://[shop]", "names no host"},
                                                                                              {"https://ada:pw@shop.example", "holds credentials"},
                                                                                              {"https://shop.example/api", "more than a host"},
                                                                                              {"https://shop.example?x=1", "more than a host"},
                                                                                              {"https://shop.example#x", "more than a host"}}) {
        const auto parsed = parse_public_url(given);
        ASSERT_FALSE(parsed) << given;
        EXPECT_EQ(parsed.error().reason, "CONFIG_INVALID");
        EXPECT_NE(parsed.error().message.find(why), std::string::npos) << given << ": " << parsed.error().message;
    }
}

TEST(public_url, a_wrong_one_is_told_when_the_settings_are_read) {
    try {
        (void)load_settings("", {"http.public_url=shop.example"});
        FAIL() << "was taken";
    } catch (const failure& f) {
        EXPECT_NE(f.error().message.find("http.public_url"), std::string::npos) << f.error().message;
    }
    EXPECT_EQ(load_settings("", {"http.public_url=https://shop.example"}).get<std::string>("http.public_url"), "https://shop.example");
}

}  // namespace
}  // namespace bv::stack
