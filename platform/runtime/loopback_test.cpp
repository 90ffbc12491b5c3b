#include "platform/runtime/loopback.hpp"

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

}  // namespace
}  // namespace bv
