#include "platform/rpc/grpc/connections.hpp"

#include <algorithm>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/mutual_tls.hpp"
#include "platform/net/http/tls.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::rpc::grpc {

namespace {
constexpr resilience::retry_policy reconnecting{.attempts = 0, .first = milliseconds(50), .longest = milliseconds(5'000)};
constexpr std::size_t most_connections = 4;  // to one instance from one core: a peer allows some hundred streams on each
}  // namespace

// Used on one thread.
struct connections::slot {
    std::vector<std::shared_ptr<http2::client_connection>> open;
    std::vector<std::shared_ptr<waiter>> waiting;
    bool opening = false;
    int failures = 0;
    steady_point not_before{};
};

connections::connections(const channel_options& o, clock& c, rng& r) : options_(o), clock_(c), rng_(r), tasks_("grpc.channel." + o.name) {
    if (o.tls && !o.peers) tls_ = http::client_tls(o.ca_file, true);
}

std::shared_ptr<connections::slot> connections::slot_of(const asio::any_io_executor& executor, const instance& at) {
    const void* context = &asio::query(executor, asio::execution::context);
    const std::lock_guard lock(mutex_);
    auto& s = slots_[{context, fmt::format("{}:{}", at.host, at.port)}];
    if (!s) s = std::make_shared<slot>();
    return s;
}

task<std::shared_ptr<http2::client_connection>> connections::acquire(std::shared_ptr<connections> self, instance at) {
    const auto executor = co_await asio::this_coro::executor;
    const auto s = self->slot_of(executor, at);
    // What shows a certificate that was replaced takes no more calls, and ends with its last.
    if (const auto& peers = self->options_.peers)
        for (const auto& c : s->open)
            if (c->generation() != peers->generation()) c->retire();
    std::erase_if(s->open, [](const auto& c) { return !c->is_usable(); });
    for (const auto& c : s->open)
        if (c->has_room()) co_return c;
    // All are full: what is asked of them waits in the least loaded one, in nghttp2's queue.
    if (s->open.size() >= most_connections) co_return *std::ranges::min_element(s->open, {}, [](const auto& c) { return c->open(); });
    if (!s->opening) {
        if (self->clock_.steady_now() < s->not_before || self->tasks_.stopping()) co_return nullptr;
        s->opening = true;
        self->tasks_.spawn(executor, open(self, s, at, executor));
    }
    auto w = waiter::make();
    s->waiting.push_back(w);
    co_await w->wait();
    for (const auto& c : s->open)
        if (c->is_usable()) co_return c;
    co_return nullptr;
}

task<void> connections::open(std::shared_ptr<connections> self, std::shared_ptr<slot> s, instance at, asio::any_io_executor executor) {
    // Whatever happens, nobody waits for ever.
    struct release {
        slot& of;
        ~release() {
            of.opening = false;
            for (const auto& w : std::exchange(of.waiting, {})) w->wake();
        }
    };
    std::shared_ptr<http2::client_connection> made;
    {
        const release done{*s};
        const auto& o = self->options_;
        const http::client_options to{.host = at.host, .port = at.port, .tls = o.tls, .ca_file = o.ca_file, .any_name = o.any_name,
                                      .peers = o.peers, .peer_uri = o.peer_uri, .connect_timeout = o.connect_timeout};
        auto link = std::make_shared<http::client_connection>(executor, o.peers ? o.peers->generation() : 0);
        try {
            co_await link->connect(to, o.peers ? o.peers->client(true) : self->tls_, steady_point::max());
        } catch (const failure& f) {
            ++s->failures;
            s->not_before = self->clock_.steady_now() + resilience::backoff(reconnecting, std::min(s->failures, 20), self->rng_);
            telemetry::warn("grpc.connect_failed", {{"service", o.name}, {"host", at.host}, {"port", static_cast<std::int64_t>(at.port)}, {"error", f.error().message}});
            co_return;
        }
        s->failures = 0;
        made = std::make_shared<http2::client_connection>(std::move(link), http2::client_settings{.max_body_bytes = o.max_message_bytes + 1024});
        s->open.push_back(made);
    }
    co_await http2::client_connection::run(made);
    std::erase(s->open, made);  // nobody may ever ask for this instance again
}

task<void> connections::close() {
    tasks_.stop();
    co_await tasks_.join();
}

}  // namespace bv::rpc::grpc
