#include "domains/identity/model/network.hpp"

#include <gtest/gtest.h>

namespace bv::identity {
namespace {

TEST(network, is_the_address_in_ipv4_and_its_first_half_in_ipv6) {
    EXPECT_EQ(network_of("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(network_of("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    EXPECT_EQ(network_of("2001:DB8:1:2::9%eth0"), "2001:db8:1:2::/64");
    EXPECT_NE(network_of("2001:db8:1:3::1"), network_of("2001:db8:1:2::1"));
    EXPECT_EQ(network_of("unix"), "unix");
}

}  // namespace
}  // namespace bv::identity
