#include "app/role_directory.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "platform/core/clock.hpp"
#include "platform/testing/fake_clock.hpp"

namespace bv::app {
namespace {

using given = std::vector<std::string>;

TEST(RoleDirectory, AddressesThatAreGivenAreThoseThatAreFound) {
    auto parsed = parse_addresses(given{"order=10.0.0.5:7001", "payment=[fd00::6]:7002", "order=shop-2.example:7001"});
    ASSERT_TRUE(parsed);
    role_directory there(std::move(*parsed), system_clock());
    EXPECT_EQ(there.find("order"), (std::vector<rpc::address>{{"10.0.0.5", 7001}, {"shop-2.example", 7001}}));
    EXPECT_EQ(there.find("payment"), (std::vector<rpc::address>{{"fd00::6", 7002}}));
    EXPECT_TRUE(there.find("inventory").empty());
    EXPECT_EQ(there.all().size(), 3u);
}

TEST(RoleDirectory, WhatIsNoAddressIsRefusedByName) {
    for (const auto* wrong : {"order", "order=", "order=:7001", "order=host", "order=host:", "order=host:0", "order=host:70000", "order=host:70x", "host:7001", "ordr=host:7001", "a:1=b"}) {
        const auto r = parse_addresses(given{"payment=host:1", wrong});
        ASSERT_FALSE(r) << wrong;
        EXPECT_EQ(r.error().reason, "BAD_SETTING");
        EXPECT_NE(r.error().message.find(wrong), std::string::npos);
    }
}

TEST(RoleDirectory, TwoChangesWithinATickOfTheFileSystemAreBothSeen) {
    std::string folder = (std::filesystem::temp_directory_path() / "bv_roles_XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    testing::fake_clock time;
    role_directory there(folder, time);
    const auto file = std::filesystem::path(folder) / "roles.json";
    write_roles(folder, {{.role = "order", .port = 7001, .ready = true}});
    const auto written = std::filesystem::last_write_time(file);
    EXPECT_EQ(there.find("order"), (std::vector<rpc::address>{{"127.0.0.1", 7001}}));
    write_roles(folder, {{.role = "order", .port = 7002, .ready = true}});
    std::filesystem::last_write_time(file, written);
    time.advance(seconds(1));
    EXPECT_EQ(there.find("order"), (std::vector<rpc::address>{{"127.0.0.1", 7002}}));
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bv::app
