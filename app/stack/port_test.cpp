#include "app/stack/port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "platform/core/error.hpp"

namespace bv::stack {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

struct ports : ::testing::Test {
    asio::io_context io;
    const asio::ip::address here = asio::ip::make_address("127.0.0.1");

    boost::system::error_code bind(std::uint16_t number, bool shared) {
        tcp::acceptor a(io, tcp::v4());
        a.set_option(asio::socket_base::reuse_address(true));
        if (shared) a.set_option(reuse_port(true));
        boost::system::error_code ec;
        a.bind({here, number}, ec);
        if (!ec) a.listen(1, ec);
        return ec;
    }
};

TEST_F(ports, a_claimed_one_is_taken_for_others_and_free_for_its_listener) {
    const auto claimed = claim_port("127.0.0.1", 0);
    EXPECT_EQ(bind(claimed.number(), false), asio::error::address_in_use);
    EXPECT_FALSE(bind(claimed.number(), true));
}

TEST_F(ports, one_that_is_asked_for_by_number_is_claimed_as_well) {
    std::uint16_t number = 0;
    { number = claim_port("127.0.0.1", 0).number(); }
    const auto claimed = claim_port("127.0.0.1", number);
    EXPECT_EQ(claimed.number(), number);
    EXPECT_EQ(bind(number, false), asio::error::address_in_use);
    EXPECT_THROW((void)claim_port("127.0.0.1", number), failure);
}

TEST_F(ports, one_whose_connections_are_still_in_time_wait_can_be_claimed) {
    tcp::acceptor server(io, tcp::endpoint(here, 0));
    const auto number = server.local_endpoint().port();
    tcp::socket client(io);
    client.connect(server.local_endpoint());
    auto accepted = server.accept();
    server.close();
    accepted.close();  // the side that closes first waits
    client.close();
    EXPECT_EQ(claim_port("127.0.0.1", number).number(), number);
}

// The system shares a port that was bound with SO_REUSEADDR, once its old connections are gone, with connections that go out.
TEST_F(ports, a_claimed_one_is_given_to_no_connection_that_goes_out) {
    tcp::acceptor server(io, tcp::endpoint(here, 0));
    const auto claimed = claim_port("127.0.0.1", 0);
    for (int i = 0; i < 200; ++i) {
        tcp::socket client(io);
        client.connect(server.local_endpoint());
        EXPECT_NE(client.local_endpoint().port(), claimed.number());
    }
}

}  // namespace
}  // namespace bv::stack
