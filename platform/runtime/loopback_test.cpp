#include "platform/runtime/loopback.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include "platform/core/task.hpp"

namespace bv {
namespace {

using asio::ip::tcp;

TEST(loopback, a_port_is_kept_until_somebody_else_listens_on_it) {
    const auto port = keep_loopback_port(0);
    ASSERT_NE(port, 0);
    EXPECT_EQ(keep_loopback_port(port), port);
    EXPECT_FALSE(is_listening_on_loopback(port));
    asio::io_context io;
    const tcp::acceptor taken(io, {asio::ip::address_v4::loopback(), port});
    EXPECT_TRUE(is_listening_on_loopback(port));
    const auto other = keep_loopback_port(port);
    EXPECT_NE(other, 0);
    EXPECT_NE(other, port);
}

TEST(loopback, ports_of_one_server_are_different_whatever_is_remembered) {
    const auto port = keep_loopback_port(0);
    std::array<std::uint16_t, 4> ports{port, port, 0, port};
    keep_loopback_ports(ports);
    EXPECT_EQ(ports[0], port);
    EXPECT_EQ(std::set<std::uint16_t>(ports.begin(), ports.end()).size(), ports.size());
    EXPECT_EQ(std::ranges::count(ports, 0), 0);
}

}  // namespace
}  // namespace bv
