#include "app/stack/port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/core/error.hpp"

namespace bv::stack {

namespace asio = boost::asio;

namespace {

using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// Bound to the address. A number that is asked for may have old connections in TIME_WAIT; one that the system chooses may
// not, for the system then shares it with connections that go out. The error of bind, or of a listen that is tried and
// undone: one may bind to what another has bound and does not listen on.
boost::system::error_code bind_to(asio::ip::tcp::acceptor& acceptor, const asio::ip::tcp::endpoint& at, bool try_to_listen) {
    boost::system::error_code ec;
    acceptor.open(at.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(at.port() != 0));
    acceptor.bind(at, ec);
    if (!ec && try_to_listen) acceptor.listen(1, ec);
    return ec;
}

}  // namespace

claimed_port::~claimed_port() {
    if (fd_ >= 0) ::close(fd_);
}

claimed_port claim_port(const std::string& address, std::uint16_t wanted) {
    boost::system::error_code ec;
    const auto ip = asio::ip::make_address(address, ec);
    if (ec)
        throw failure(code::failed_precondition, "ADDRESS_UNUSABLE",
                      fmt::format("http.address \"{}\" is no IP address; 127.0.0.1 serves this machine, 0.0.0.0 the network", address));
    asio::io_context io;
    if (wanted != 0) {
        asio::ip::tcp::acceptor probe(io);
        ec = bind_to(probe, {ip, wanted}, true);
    }
    asio::ip::tcp::acceptor acceptor(io);
    if (!ec) ec = bind_to(acceptor, {ip, wanted}, false);
    if (!ec) {
        acceptor.set_option(asio::socket_base::reuse_address(false));
        acceptor.set_option(reuse_port(true));
        const auto port = acceptor.local_endpoint().port();
        return claimed_port(acceptor.release(), port);
    }
    if (ec == asio::error::address_in_use)
        throw failure(code::unavailable, "PORT_TAKEN",
                      fmt::format("port {} on {} is taken by another program. Choose another with --port, or let the system choose with --port 0 "
                                  "(who has it: ss -ltnp 'sport = :{}')", wanted, address, wanted));
    if (ec == asio::error::access_denied)
        throw failure(code::failed_precondition, "PORT_FORBIDDEN", fmt::format("port {} needs root; choose one above 1023 with --port", wanted));
    throw failure(code::failed_precondition, "ADDRESS_UNUSABLE", fmt::format("cannot listen on {}:{}: {}", address, wanted, ec.message()));
}

}  // namespace bv::stack
