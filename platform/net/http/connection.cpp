#include "platform/net/http/connection.hpp"

#include <array>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/net/http/listener.hpp"

namespace bv::http {

namespace {
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
}

connection::connection(tcp::socket socket, std::string remote_address, core_listener& listener)
    : socket_(std::move(socket)), remote_address_(std::move(remote_address)), listener_(listener) {
    listener_.add(*this);
}

connection::~connection() { listener_.remove(*this); }

void connection::expire(steady_point now) noexcept {
    if (now < deadline_) return;
    deadline_ = steady_point::max();
    expired_ = true;
    cancel();
}

void connection::drain() {
    if (on_drain_) on_drain_();
    else if (phase_ == phase::idle || phase_ == phase::handshake) cancel();
}

void connection::cancel() noexcept {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void connection::close() noexcept {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

task<std::size_t> connection::read_some(std::span<char> into) {
    const auto buffer = asio::buffer(into.data(), into.size());
    if (tls_) {
        const auto [ec, n] = co_await tls_->async_read_some(buffer, as_result);
        co_return ec ? 0 : n;
    }
    const auto [ec, n] = co_await socket_.async_read_some(buffer, as_result);
    co_return ec ? 0 : n;
}

bool connection::try_write(std::string& out) noexcept {
    boost::system::error_code ec;
    const auto n = socket_.write_some(asio::buffer(out), ec);
    if (ec && ec != asio::error::would_block && ec != asio::error::try_again) return false;
    n == out.size() ? out.clear() : static_cast<void>(out.erase(0, n));
    return true;
}

task<bool> connection::write(std::string& out, milliseconds timeout) {
    std::size_t sent = 0;
    while (sent < out.size()) {
        arm(phase::writing, system_clock().steady_now() + timeout);
        const auto rest = asio::buffer(out) + sent;
        std::tuple<boost::system::error_code, std::size_t> outcome;
        if (tls_) outcome = co_await tls_->async_write_some(rest, as_result);
        else outcome = co_await socket_.async_write_some(rest, as_result);
        if (std::get<0>(outcome)) co_return false;
        sent += std::get<1>(outcome);
    }
    out.clear();
    co_return true;
}

task<std::size_t> connection::write_some(std::string_view bytes) {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    if (tls_) {
        const auto [ec, n] = co_await tls_->async_write_some(buffer, as_result);
        co_return ec ? 0 : n;
    }
    const auto [ec, n] = co_await socket_.async_write_some(buffer, as_result);
    co_return ec ? 0 : n;
}

task<void> connection::linger() {
    constexpr milliseconds moment{1'000};
    constexpr std::size_t most = 8 * 1024 * 1024;
    arm(phase::lingering, system_clock().steady_now() + moment);
    boost::system::error_code ignored;
    if (tls_) {
        // Sends close_notify; the peer's is waited for no longer than the moment.
        co_await tls_->async_shutdown(as_result);
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        co_return close();
    }
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    std::array<char, 4096> rest;
    for (std::size_t read = 0; read < most;) {
        const auto n = co_await read_some(rest);
        if (n == 0) break;
        read += n;
    }
    close();
}

task<std::optional<bool>> connection::begins_tls() {
    constexpr char handshake = 0x16;  // RFC 8446 section 5.1
    const auto [ec] = co_await socket_.async_wait(tcp::socket::wait_read, as_result);
    char first = 0;
    if (ec || ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) co_return std::nullopt;
    co_return first == handshake;
}

task<std::string> connection::secure(std::shared_ptr<asio::ssl::context> context) {
    tls_ = std::make_unique<tls_stream>(socket_, *context);
    const auto [ec] = co_await tls_->async_handshake(asio::ssl::stream_base::server, as_result);
    if (!ec) co_return std::string{};
    const auto verified = SSL_get_verify_result(tls_->native_handle());
    co_return verified == X509_V_OK ? ec.message() : X509_verify_cert_error_string(verified);
}

result<tls_peer> connection::shown_peer() const { return peer_of(tls_->native_handle()); }
void connection::set_peer(tls_peer who) { peer_ = std::make_shared<const tls_peer>(std::move(who)); }

std::string connection::protocol() const {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    if (tls_) SSL_get0_alpn_selected(tls_->native_handle(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
}

}  // namespace bv::http
