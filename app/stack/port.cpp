#include "app/stack/port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"

namespace bv::stack {

namespace asio = boost::asio;

std::uint16_t claim_port(const std::string& address, std::uint16_t wanted) {
    boost::system::error_code ec;
    const auto ip = asio::ip::make_address(address, ec);
    if (ec)
        throw failure(code::failed_precondition, "ADDRESS_UNUSABLE",
                      fmt::format("http.address \"{}\" is no IP address; 127.0.0.1 serves this machine, 0.0.0.0 the network", address));
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor(io);
    acceptor.open(ip.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind({ip, wanted}, ec);
    if (!ec) acceptor.listen(1, ec);
    if (!ec) return acceptor.local_endpoint().port();
    if (ec == asio::error::address_in_use)
        throw failure(code::unavailable, "PORT_TAKEN",
                      fmt::format("port {} on {} is taken by another program. Choose another with --port, or let the system choose with --port 0 "
                                  "(who has it: ss -ltnp 'sport = :{}')", wanted, address, wanted));
    if (ec == asio::error::access_denied)
        throw failure(code::failed_precondition, "PORT_FORBIDDEN", fmt::format("port {} needs root; choose one above 1023 with --port", wanted));
    throw failure(code::failed_precondition, "ADDRESS_UNUSABLE", fmt::format("cannot listen on {}:{}: {}", address, wanted, ec.message()));
}

}  // namespace bv::stack
