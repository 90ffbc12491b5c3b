#include "platform/net/http/listener.hpp"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/net/http/serialize.hpp"
#include "platform/net/http/session.hpp"
#include "platform/net/http2/serve.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::http {

namespace {

using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

void refuse_peer(const connection& c, std::string_view why) { telemetry::warn("tls.peer_refused", {{"remote_address", c.remote_address()}, {"why", why}}); }

// False: there is no TLS with this one.
task<bool> secure(connection& c, std::shared_ptr<asio::ssl::context> tls, bool among_peers) {
    const auto problem = co_await c.secure(std::move(tls));
    if (!among_peers) co_return problem.empty();
    if (!problem.empty()) {
        refuse_peer(c, problem);
        co_return false;
    }
    auto shown = c.shown_peer();
    if (shown) c.set_peer(std::move(*shown));
    else refuse_peer(c, shown.error().message);
    co_return shown.has_value();
}

// Chooses the protocol: TLS first, then what ALPN agreed on, then what the first bytes say.
task<void> serve(std::shared_ptr<core_listener> listener, std::shared_ptr<connection> c, bool refused) {
    const auto& peers = listener->options().peers;
    const auto tls = peers ? peers->server() : listener->tls();
    if (tls) {
        c->arm(connection::phase::handshake, system_clock().steady_now() + listener->options().header_timeout);
        const auto tls_comes = co_await c->begins_tls();
        if (!tls_comes) co_return;
        if (!*tls_comes && !peers) co_return co_await refuse_plain(*listener, *c);
        if (*tls_comes && !co_await secure(*c, tls, peers != nullptr)) co_return;
    }
    if (refused) co_return co_await refuse(*listener, *c);
    std::optional<std::string> http2;
    if (c->protocol() == "h2") http2.emplace();
    else http2 = co_await serve_http1(*listener, *c);
    if (http2) co_await http2::serve(*listener, *c, std::move(*http2));
}

}  // namespace

void core_listener::listen(const tcp::endpoint& at) {
    acceptor_.open(at.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>(true));
    acceptor_.bind(at);
    acceptor_.listen(4096);
}

void core_listener::run(std::shared_ptr<core_listener> self) {
    auto& listener = *self;
    listener.shared_->tasks.spawn(listener.context_.get_executor(), accept_loop(self));
    listener.shared_->tasks.spawn(listener.context_.get_executor(), sweep_loop(std::move(self)));
}

task<void> core_listener::accept_loop(std::shared_ptr<core_listener> self) {
    asio::steady_timer pause(self->context_);
    while (self->acceptor_.is_open()) {
        tcp::endpoint peer;
        auto [ec, socket] = co_await self->acceptor_.async_accept(peer, as_result);
        if (!ec) {
            self->accepted(self, std::move(socket), peer);
        } else if (ec == asio::error::operation_aborted) {
            co_return;
        } else {
            // Out of descriptors, mostly: those in use will be closed.
            pause.expires_after(milliseconds(50));
            co_await pause.async_wait(as_result);
        }
    }
}

void core_listener::accepted(const std::shared_ptr<core_listener>& self, tcp::socket socket, const tcp::endpoint& peer) {
    const auto most = static_cast<std::size_t>(options().max_connections_per_core);
    constexpr std::size_t refused_at_most = 256;
    if (draining_ || connections_.size() >= most + refused_at_most) return;
    boost::system::error_code ec;
    socket.set_option(tcp::no_delay(true), ec);
    socket.non_blocking(true, ec);
    const bool refused = connections_.size() >= most;
    auto c = std::make_shared<connection>(std::move(socket), peer.address().to_string(), *this);
    shared_->tasks.spawn(context_.get_executor(), serve(self, std::move(c), refused));
}

milliseconds core_listener::sweep_interval() const noexcept {
    const auto& o = options();
    const auto shortest = std::min({o.header_timeout, o.body_timeout, o.idle_timeout, o.write_timeout});
    return std::clamp(shortest / 4, milliseconds(5), milliseconds(250));
}

task<void> core_listener::sweep_loop(std::shared_ptr<core_listener> self) {
    const auto interval = self->sweep_interval();
    for (;;) {
        self->timer_.expires_after(interval);
        const auto [ec] = co_await self->timer_.async_wait(as_result);
        if (ec) co_return;
        const auto now = system_clock().steady_now();
        for (auto* c : self->connections_) c->expire(now);
    }
}

void core_listener::drain() {
    draining_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (auto* c : connections_) c->drain();
}

void core_listener::close_all() {
    timer_.cancel();
    for (auto* c : connections_) c->close();
}

void core_listener::add(connection& c) {
    c.index_ = connections_.size();
    connections_.push_back(&c);
    count_.store(connections_.size(), std::memory_order_relaxed);
}

void core_listener::remove(connection& c) noexcept {
    connections_.back()->index_ = c.index_;
    connections_[c.index_] = connections_.back();
    connections_.pop_back();
    count_.store(connections_.size(), std::memory_order_relaxed);
}

std::string_view core_listener::date(steady_point now) {
    if (now >= date_until_) {
        date_ = imf_fixdate(system_clock().now());
        date_until_ = now + seconds(1);
    }
    return date_;
}

response core_listener::error_page(int status, std::string_view detail, const request* about) const {
    if (options().error_page) {
        try {
            auto page = options().error_page(about, status, detail);
            if (!page.stream && is_sendable(page)) return page;
        } catch (const std::exception&) {
            // The plain page below is better than no answer.
        }
    }
    response page{.status = status, .content_type = "text/plain; charset=utf-8"};
    page.body = fmt::format("{} {}\n{}\n", status, reason_phrase(status), detail);
    return page;
}

}  // namespace bv::http
