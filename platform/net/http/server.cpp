#include "platform/net/http/server.hpp"

#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/listener.hpp"
#include "platform/net/http/tls.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::http {

namespace {

using asio::ip::tcp;

// SO_REUSEPORT would let two of our processes share a port without noticing: a plain bind finds out.
void require_free(asio::io_context& context, const tcp::endpoint& at) {
    tcp::acceptor probe(context);
    probe.open(at.protocol());
    probe.set_option(asio::socket_base::reuse_address(true));
    probe.bind(at);
    probe.listen(1);
}

}  // namespace

struct server::impl {
    bv::runtime& runtime;
    std::shared_ptr<shared_state> shared = std::make_shared<shared_state>();
    std::vector<std::shared_ptr<core_listener>> cores{};
    std::uint16_t port = 0;
    bool running = false;

    void on_each_core(void (core_listener::*act)()) {
        for (const auto& core : cores) asio::post(core->context(), [core, act] { ((*core).*act)(); });
    }
    [[nodiscard]] std::size_t connections() const noexcept {
        std::size_t n = 0;
        for (const auto& core : cores) n += core->count();
        return n;
    }
};

server::server(runtime& r, server_options options, handler h) : impl_(std::make_shared<impl>(r)) {
    impl_->shared->options = std::move(options);
    impl_->shared->handler = std::move(h);
}

server::~server() {
    if (!impl_ || !impl_->running) return;
    impl_->on_each_core(&core_listener::drain);
    impl_->on_each_core(&core_listener::close_all);
    impl_->shared->tasks.stop();
    // Connections still use what they share, and nobody waits for them any more: it stays for the rest of the process.
    static_cast<void>(new std::shared_ptr<shared_state>(impl_->shared));
}

void server::start() {
    auto& s = *impl_;
    const auto& o = s.shared->options;
    if (o.tls) s.shared->tls = server_tls(*o.tls);
    boost::system::error_code bad;
    const auto address = asio::ip::make_address(o.address, bad);
    if (bad) throw failure(code::invalid_argument, "ADDRESS", fmt::format("'{}' is no IP address to listen on; give one like 127.0.0.1 or ::", o.address));
    s.port = o.port;
    try {
        if (s.port != 0 && !o.port_is_held) require_free(s.runtime.context(0), {address, s.port});
        for (std::size_t core = 0; core < s.runtime.cores(); ++core) {
            auto listener = std::make_shared<core_listener>(s.runtime.context(core), s.shared);
            listener->listen({address, s.port});
            s.port = listener->local().port();
            s.cores.push_back(std::move(listener));
        }
    } catch (const boost::system::system_error& e) {
        s.cores.clear();
        if (e.code() == asio::error::address_in_use)
            throw failure(code::unavailable, "PORT_TAKEN",
                          fmt::format("port {} of {} is taken by another process; stop that one or choose another port", s.port, o.address));
        throw failure(code::unavailable, "CANNOT_LISTEN", fmt::format("cannot listen on {} port {}: {}", o.address, s.port, e.code().message()));
    }
    s.running = true;
    for (const auto& core : s.cores) core_listener::run(core);
}

std::uint16_t server::port() const noexcept { return impl_->port; }
std::size_t server::connections() const noexcept { return impl_->connections(); }

task<void> server::drain(milliseconds grace) {
    const auto s = impl_;
    if (!std::exchange(s->running, false)) co_return;
    s->on_each_core(&core_listener::drain);
    auto& clock = system_clock();
    const auto until = clock.steady_now() + grace;
    while (s->connections() != 0 && clock.steady_now() < until) co_await clock.sleep_for(milliseconds(5));
    s->on_each_core(&core_listener::close_all);
    s->shared->tasks.stop();
    co_await s->shared->tasks.join();
}

}  // namespace bv::http
