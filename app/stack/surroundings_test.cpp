#include "app/stack/surroundings.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "app/stack/settings.hpp"

namespace bv::stack {
namespace {

TEST(ListeningPlace, IsAnAddressWithAPort) {
    const auto v4 = parse_listening_place("10.0.0.5:7001"), v6 = parse_listening_place("[::]:0");
    ASSERT_TRUE(v4 && v6);
    EXPECT_EQ(v4->address, "10.0.0.5");
    EXPECT_EQ(v4->port, 7001);
    EXPECT_EQ(v6->address, "::");
    EXPECT_EQ(v6->port, 0);
    for (const auto* wrong : {"", "7001", "host", ":7001", "host:", "host:x", "host:70000"}) EXPECT_FALSE(parse_listening_place(wrong)) << wrong;
}

class of_settings : public testing::Test {
protected:
    of_settings() {
        char name[] = "/tmp/bv-around-XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    ~of_settings() override { std::filesystem::remove_all(folder_); }

    std::string refusal(std::string_view role, std::vector<std::string> flags) {
        flags.emplace_back("peers.addresses=order=host:1");
        try {
            (void)as_given(load_settings({}, std::move(flags)), data_dir::open(folder_), role);
        } catch (const failure& f) {
            return f.error().reason + ": " + f.error().message;
        }
        return {};
    }
    void make_secrets() const { std::filesystem::create_directory(folder_ / "secrets"); }

    std::filesystem::path folder_;
};

TEST_F(of_settings, what_is_missing_is_named) {
    EXPECT_TRUE(refusal("order", {}).starts_with("NO_SECRETS"));
    make_secrets();
    EXPECT_TRUE(refusal("order", {}).starts_with("SETTING_MISSING: every role needs database.url"));
    EXPECT_EQ(refusal("order", {"database.url=host=db"}), "");
    EXPECT_TRUE(refusal("payment", {"database.url=host=db"}).starts_with("SETTING_MISSING: payment needs provider.url"));
    EXPECT_TRUE(refusal("gateway", {"database.url=host=db"}).starts_with("SETTING_MISSING: gateway needs http.public_url"));
}

}  // namespace
}  // namespace bv::stack
