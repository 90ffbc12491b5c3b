#include "platform/storage/redis/transport.hpp"

#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace bv::redis {

using boost::system::error_code;
using protocol = asio::generic::stream_protocol;

namespace {

bool is_literal(const std::string& host) {
    error_code is_name;
    (void)asio::ip::make_address(host, is_name);
    return !is_name;
}

}  // namespace

std::shared_ptr<asio::ssl::context> make_tls(const std::string& ca_file) {
    auto out = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(out->native_handle(), TLS1_2_VERSION);
    error_code ec;
    if (ca_file.empty()) out->set_default_verify_paths(ec);
    else out->load_verify_file(ca_file, ec);
    if (ec)
        throw failure(code::invalid_argument, "REDIS_TLS",
                      fmt::format("redis.ca_file: {} cannot be used: {}; give a readable PEM file", ca_file.empty() ? "the system's" : ca_file, ec.message()));
    out->set_verify_mode(asio::ssl::verify_peer);
    return out;
}

transport::transport(asio::any_io_executor e, std::shared_ptr<asio::ssl::context> tls) : executor_(std::move(e)), context_(std::move(tls)), socket_(executor_) {}

void transport::close() noexcept {
    error_code ignored;
    socket_.close(ignored);
}

task<error_code> transport::reach(const address& at) {
    error_code ec = asio::error::host_not_found;
    if (at.is_socket()) {
        co_await socket_.async_connect(protocol::endpoint(asio::local::stream_protocol::endpoint(at.host)), asio::redirect_error(asio::use_awaitable, ec));
        co_return ec;
    }
    std::vector<asio::ip::tcp::endpoint> all;
    if (is_literal(at.host)) {
        all.emplace_back(asio::ip::make_address(at.host), at.port);
    } else {
        asio::ip::tcp::resolver resolver(executor_);
        const auto found = co_await resolver.async_resolve(at.host, std::to_string(at.port), asio::redirect_error(asio::use_awaitable, ec));
        for (const auto& one : found) all.push_back(one.endpoint());
    }
    for (const auto& one : all) {
        close();
        co_await socket_.async_connect(protocol::endpoint(one), asio::redirect_error(asio::use_awaitable, ec));
        if (!ec) break;
    }
    if (!ec) socket_.set_option(asio::ip::tcp::no_delay(true), ec);
    co_return ec;
}

task<error_code> transport::agree(const address& at) {
    tls_ = std::make_unique<asio::ssl::stream<socket&>>(socket_, *context_);
    if (!is_literal(at.host)) SSL_set_tlsext_host_name(tls_->native_handle(), at.host.c_str());
    tls_->set_verify_callback(asio::ssl::host_name_verification(at.host));
    error_code ec;
    co_await tls_->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, ec));
    co_return ec;
}

task<void> transport::connect(address at) {
    const auto self = shared_from_this();
    auto ec = co_await reach(at);
    if (!ec && context_ && !at.is_socket()) ec = co_await agree(at);
    if (ec) throw failure(code::unavailable, "REDIS_AWAY", fmt::format("Redis at {}: {}", at.str(), ec.message()));
}

task<std::size_t> transport::read(std::span<char> to, error_code& ec) {
    const auto self = shared_from_this();
    const auto room = asio::buffer(to.data(), to.size());
    if (tls_) co_return co_await tls_->async_read_some(room, asio::redirect_error(asio::use_awaitable, ec));
    co_return co_await socket_.async_read_some(room, asio::redirect_error(asio::use_awaitable, ec));
}

void transport::send(std::string_view bytes) {
    out_ += bytes;
    if (!writing_) write();
}

// What is sent while it writes goes together with the next write.
void transport::write() {
    writing_ = true;
    in_flight_.clear();
    in_flight_.swap(out_);
    const auto written = [self = shared_from_this()](const error_code& ec, std::size_t) {
        self->writing_ = false;
        if (!ec && !self->out_.empty()) self->write();
    };
    if (tls_) asio::async_write(*tls_, asio::buffer(in_flight_), written);
    else asio::async_write(socket_, asio::buffer(in_flight_), written);
}

}  // namespace bv::redis
