#include "domains/commerce/notification/adapters/smtp_connection.hpp"

#include <array>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"

namespace bv::notification {

namespace {

using boost::system::error_code;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

[[noreturn]] void throw_away(const std::string& what) { throw failure(code::unavailable, "MAIL_SERVER_AWAY", what); }

void require(const error_code& ec, std::string_view what) {
    if (ec == asio::error::operation_aborted) throw boost::system::system_error(ec);
    if (ec) throw_away(fmt::format("{}: {}", what, ec.message()));
}

}  // namespace

task<void> smtp_connection::connect(std::string host, std::uint16_t port) {
    const auto [not_found, endpoints] = co_await resolver_.async_resolve(host, std::to_string(port), as_result);
    require(not_found, "cannot find the mail server " + host);
    const auto [refused, endpoint] = co_await asio::async_connect(socket_, endpoints, as_result);
    require(refused, fmt::format("cannot connect to the mail server {}:{}", host, port));
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
}

task<void> smtp_connection::secure(asio::ssl::context& context, std::string host) {
    if (!in_.empty()) throw_away("the mail server sent text before TLS began");
    auto tls = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, context);
    SSL_set_tlsext_host_name(tls->native_handle(), host.c_str());
    tls->set_verify_callback(asio::ssl::host_name_verification(host));
    const auto [ec] = co_await tls->async_handshake(asio::ssl::stream_base::client, as_result);
    require(ec, "no TLS with the mail server " + host);
    tls_ = std::move(tls);
}

task<smtp_reply> smtp_connection::read_reply() {
    for (;;) {
        in_.erase(0, reader_.put(in_));
        if (reader_.where() == smtp_reply_reader::state::done) co_return reader_.take();
        if (reader_.where() == smtp_reply_reader::state::malformed) throw_away("what the mail server answers is not SMTP");
        std::array<char, 2'048> piece;
        std::tuple<error_code, std::size_t> outcome;
        if (tls_) outcome = co_await tls_->async_read_some(asio::buffer(piece), as_result);
        else outcome = co_await socket_.async_read_some(asio::buffer(piece), as_result);
        require(std::get<0>(outcome), "the mail server has gone");
        in_.append(piece.data(), std::get<1>(outcome));
    }
}

task<smtp_reply> smtp_connection::send(std::string bytes) {
    std::tuple<error_code, std::size_t> outcome;
    if (tls_) outcome = co_await asio::async_write(*tls_, asio::buffer(bytes), as_result);
    else outcome = co_await asio::async_write(socket_, asio::buffer(bytes), as_result);
    require(std::get<0>(outcome), "the mail server has gone");
    co_return co_await read_reply();
}

task<smtp_reply> smtp_connection::command(std::string line) {
    line += "\r\n";
    co_return co_await send(std::move(line));
}

}  // namespace bv::notification
