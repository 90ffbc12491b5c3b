#include "platform/net/http/client_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/mutual_tls.hpp"
#include "platform/net/http/response_parser.hpp"

namespace bv::http {

namespace {

using boost::system::error_code;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

void throw_if_cancelled(const error_code& ec, bool expired) {
    if (ec == asio::error::operation_aborted && !expired) throw boost::system::system_error(ec);
}

}  // namespace

client_connection::client_connection(const asio::any_io_executor& e, std::uint64_t generation) : socket_(e), resolver_(e), timer_(e), generation_(generation) {}

void client_connection::until(steady_point deadline) {
    deadline_ = deadline;
    expired_ = false;
    if (deadline < timer_at_) set_timer(deadline);
}

void client_connection::set_timer(steady_point at) {
    timer_at_ = at;
    timer_.expires_at(at);
    timer_.async_wait([weak = weak_from_this()](const error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self) return;
        self->timer_at_ = steady_point::max();
        if (self->deadline_ == steady_point::max()) return;
        if (system_clock().steady_now() < self->deadline_) return self->set_timer(self->deadline_);
        self->expired_ = true;
        self->deadline_ = steady_point::max();
        self->resolver_.cancel();
        error_code ignored;
        self->socket_.cancel(ignored);
    });
}

void client_connection::close() noexcept {
    deadline_ = steady_point::max();
    error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
}

task<void> client_connection::connect(const client_options& o, std::shared_ptr<asio::ssl::context> tls, steady_point deadline) {
    const auto own = system_clock().steady_now() + o.connect_timeout;
    until(std::min(own, deadline));
    auto ec = co_await connect_to(o);
    const bool reached = !ec;
    if (!ec && !expired_ && tls) ec = co_await handshake(o, std::move(tls));
    throw_if_cancelled(ec, expired_);
    if (expired_ && deadline <= own)
        throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", fmt::format("no connection to {}:{} before the deadline", o.host, o.port));
    if (expired_)
        throw failure(code::unavailable, "CONNECT_FAILED",
                      fmt::format("no connection to {}:{} within {} ms", o.host, o.port, o.connect_timeout.count()));
    if (ec) throw failure(code::unavailable, "CONNECT_FAILED", fmt::format("cannot connect to {}:{}: {}", o.host, o.port, reached ? why_not(ec) : ec.message()));
    if (const auto other = refusal_of(o); !other.empty()) throw failure(code::unavailable, "CONNECT_FAILED", fmt::format("cannot connect to {}:{}: {}", o.host, o.port, other));
    until(steady_point::max());
}

task<error_code> client_connection::connect_to(const client_options& o) {
    std::vector<tcp::endpoint> endpoints;
    error_code ec;
    if (const auto literal = asio::ip::make_address(o.host, ec); !ec) {
        endpoints.emplace_back(literal, o.port);
    } else {
        auto [problem, found] = co_await resolver_.async_resolve(o.host, std::to_string(o.port), as_result);
        if (problem) co_return problem;
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    ec = asio::error::host_not_found;
    for (const auto& endpoint : endpoints) {
        if (expired_) break;
        socket_.close(ec);
        socket_.open(endpoint.protocol(), ec);
        if (ec) continue;
        const auto [problem] = co_await socket_.async_connect(endpoint, as_result);
        ec = problem;
        if (ec == asio::error::operation_aborted) break;
        if (ec) continue;
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        socket_.non_blocking(true, ignored);
        break;
    }
    co_return ec;
}

task<error_code> client_connection::handshake(const client_options& o, std::shared_ptr<asio::ssl::context> context) {
    tls_ = std::make_unique<tls_stream>(socket_, *context);
    if (!o.peers) SSL_set_tlsext_host_name(tls_->native_handle(), o.host.c_str());
    if (!o.any_name && !o.peers) tls_->set_verify_callback(asio::ssl::host_name_verification(o.host));
    const auto [ec] = co_await tls_->async_handshake(asio::ssl::stream_base::client, as_result);
    co_return ec;
}

std::string client_connection::why_not(const error_code& ec) const {
    const auto verified = tls_ ? SSL_get_verify_result(tls_->native_handle()) : X509_V_OK;
    return verified == X509_V_OK ? ec.message() : fmt::format("{}: {}", ec.message(), X509_verify_cert_error_string(verified));
}

// Whether somebody else is there than was called. Empty: no.
std::string client_connection::refusal_of(const client_options& o) const {
    if (!o.peers) return {};
    const auto there = peer_of(tls_->native_handle());
    if (!there) return there.error().message;
    if (o.peer_uri.empty() || there->uri == o.peer_uri) return {};
    return fmt::format("{} is there, not {}", there->uri, o.peer_uri);
}

bool client_connection::is_usable() noexcept {
    char byte;
    const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Also with TLS: session tickets came before the first answer, so what waits is a farewell, or an answer that nobody asked for.
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

// False: the peer takes no more, but may have answered already (a 413, say).
task<bool> client_connection::send(const std::string& bytes) {
    if (tls_) {
        const auto [ec, n] = co_await asio::async_write(*tls_, asio::buffer(bytes), as_result);
        throw_if_cancelled(ec, expired_);
        co_return !ec;
    }
    error_code now;
    const auto sent = socket_.write_some(asio::buffer(bytes), now);
    if (!now && sent == bytes.size()) co_return true;
    if (now && now != asio::error::would_block && now != asio::error::try_again) co_return false;
    const auto [ec, n] = co_await asio::async_write(socket_, asio::buffer(bytes) + sent, as_result);
    throw_if_cancelled(ec, expired_);
    co_return !ec;
}

task<error_code> client_connection::read() {
    const auto room = in_.prepare(8 * 1024);
    std::tuple<error_code, std::size_t> outcome;
    if (tls_) outcome = co_await tls_->async_read_some(asio::buffer(room.data(), room.size()), as_result);
    else outcome = co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), as_result);
    in_.commit(std::get<1>(outcome));
    note_alert(std::get<0>(outcome));
    co_return std::get<0>(outcome);
}

// With TLS 1.3 a server tells what it thinks of a client's certificate after the client believes to be connected.
void client_connection::note_alert(const error_code& ec) {
    if (ec.category() == asio::error::get_ssl_category() && ERR_GET_REASON(static_cast<unsigned long>(ec.value())) >= SSL_AD_REASON_OFFSET) refused_ = ec.message();
}

task<client_connection::exchanged> client_connection::exchange(const std::string& bytes, bool to_head, std::size_t max_body_bytes,
                                                               steady_point deadline) {
    using state = response_parser::outcome;
    exchanged out;
    until(deadline);
    const bool sent = co_await send(bytes);
    response_parser parser(out.response, to_head, max_body_bytes);
    while (parser.state() == state::more && !expired_) {
        const auto ec = co_await read();
        throw_if_cancelled(ec, expired_);
        out.answer_began = out.answer_began || !in_.empty();
        in_.consume(parser.put(in_.view()));
        if (ec == asio::error::eof && out.answer_began) parser.put_end();
        if (ec) break;
    }
    const bool too_late = std::exchange(expired_, false);
    until(steady_point::max());
    switch (parser.state()) {
        case state::done:
            out.reusable = sent && parser.keep_alive() && in_.empty();
            in_.shrink(64 * 1024);
            break;
        case state::more: out.fault = too_late ? fault::deadline : fault::lost; break;
        case state::malformed: out.fault = fault::malformed; break;
        case state::too_large: out.fault = fault::too_large; break;
    }
    co_return out;
}

task<std::size_t> client_connection::read_some(std::span<char> into) {
    const auto buffer = asio::buffer(into.data(), into.size());
    deadline_ = steady_point::max();
    if (tls_) {
        const auto [ec, n] = co_await tls_->async_read_some(buffer, as_result);
        note_alert(ec);
        co_return ec ? 0 : n;
    }
    const auto [ec, n] = co_await socket_.async_read_some(buffer, as_result);
    co_return ec ? 0 : n;
}

task<std::size_t> client_connection::write_some(std::string_view bytes) {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    if (tls_) {
        const auto [ec, n] = co_await tls_->async_write_some(buffer, as_result);
        co_return ec ? 0 : n;
    }
    const auto [ec, n] = co_await socket_.async_write_some(buffer, as_result);
    co_return ec ? 0 : n;
}

bool client_connection::try_write(std::string& out) noexcept {
    if (tls_) return true;
    error_code ec;
    const auto n = socket_.write_some(asio::buffer(out), ec);
    if (ec && ec != asio::error::would_block && ec != asio::error::try_again) return false;
    n == out.size() ? out.clear() : static_cast<void>(out.erase(0, n));
    return true;
}

}  // namespace bv::http
