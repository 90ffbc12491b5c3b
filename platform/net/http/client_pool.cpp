#include "platform/net/http/client_pool.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/mutual_tls.hpp"
#include "platform/net/http/tls.hpp"

namespace bv::http {

namespace {
constexpr seconds idle_at_most{50};  // servers close after 60 to 75 seconds
}

task<client_pool::lease> client_pool::acquire(std::shared_ptr<client_pool> pool, asio::any_io_executor executor, steady_point deadline,
                                              bool fresh) {
    if (!fresh)
        if (auto c = pool->take_idle()) co_return lease(std::move(pool), std::move(c), true);
    const auto& o = pool->owner_.options();
    if (pool->places_taken_ < o.max_connections_per_core) {
        ++pool->places_taken_;
    } else if (!pool->idle_.empty()) {
        pool->idle_.pop_front();  // its place is ours
    } else {
        auto granted = co_await wait(pool, executor, deadline);
        if (granted.connection_) co_return granted;
        granted.pool_.reset();  // the place is ours, below
    }
    lease place(pool, nullptr, false);
    auto c = std::make_shared<client_connection>(executor, pool->owner_.generation());
    co_await c->connect(o, pool->owner_.tls(), deadline);
    place.connection_ = std::move(c);
    co_return place;
}

task<client_pool::lease> client_pool::wait(std::shared_ptr<client_pool> pool, asio::any_io_executor executor, steady_point deadline) {
    // Leaves the queue, or passes on what was granted, also when this coroutine is destroyed while it waits.
    struct place_in_queue {
        client_pool& pool;
        waiter w;
        bool used = false;
        place_in_queue(client_pool& p, const asio::any_io_executor& e, steady_point until) : pool(p), w{asio::steady_timer(e, until)} {
            pool.waiting_.push_back(&w);
        }
        place_in_queue(const place_in_queue&) = delete;
        place_in_queue& operator=(const place_in_queue&) = delete;
        ~place_in_queue() {
            if (!w.granted) pool.waiting_.remove(&w);
            else if (!used) pool.release(std::move(w.connection));
        }
    };
    place_in_queue queued(*pool, executor, deadline);
    const auto [ec] = co_await queued.w.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (queued.w.granted) {
        queued.used = true;
        co_return lease(pool, std::move(queued.w.connection), true);
    }
    if (ec) throw boost::system::system_error(ec);
    const auto& o = pool->owner_.options();
    throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED",
                  fmt::format("all {} connections to {}:{} were in use until the deadline", o.max_connections_per_core, o.host, o.port));
}

std::shared_ptr<client_connection> client_pool::take_idle() {
    const auto oldest = system_clock().steady_now() - idle_at_most;
    while (!idle_.empty()) {
        auto last = std::move(idle_.back());
        idle_.pop_back();
        if (last.since > oldest && owner_.is_current(*last.connection) && last.connection->is_usable()) return std::move(last.connection);
        --places_taken_;
    }
    return nullptr;
}

void client_pool::release(std::shared_ptr<client_connection> c) {
    if (!waiting_.empty()) {
        auto* w = waiting_.front();
        waiting_.pop_front();
        w->granted = true;
        w->connection = std::move(c);
        w->timer.cancel();
        return;
    }
    if (!c) {
        --places_taken_;
        return;
    }
    const auto now = system_clock().steady_now();
    idle_.push_back({std::move(c), now});
    while (now - idle_.front().since > idle_at_most) {
        idle_.pop_front();
        --places_taken_;
    }
}

void client_pool::close_idle() noexcept {
    places_taken_ -= static_cast<int>(idle_.size());
    idle_.clear();
}

client_pools::client_pools(client_options options) : options_(std::move(options)) {
    const bool v6 = options_.host.find(':') != std::string::npos;
    host_header_ = v6 ? fmt::format("[{}]", options_.host) : options_.host;
    if (options_.port != (options_.tls || options_.peers ? 443 : 80)) host_header_ += fmt::format(":{}", options_.port);
    if (options_.tls && !options_.peers) tls_ = client_tls(options_.ca_file);
}

std::shared_ptr<asio::ssl::context> client_pools::tls() const { return options_.peers ? options_.peers->client(false) : tls_; }
std::uint64_t client_pools::generation() const noexcept { return options_.peers ? options_.peers->generation() : 0; }
bool client_pools::is_current(const client_connection& c) const noexcept { return c.generation() == generation(); }

std::shared_ptr<client_pool> client_pools::of(const asio::any_io_executor& executor) {
    const void* context = &asio::query(executor, asio::execution::context);
    const std::lock_guard lock(mutex_);
    for (const auto& [key, pool] : pools_)
        if (key == context) return {shared_from_this(), pool.get()};
    pools_.emplace_back(context, std::make_unique<client_pool>(*this));
    return {shared_from_this(), pools_.back().second.get()};
}

void client_pools::close_mine() {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, pool] : pools_)
        if (pool->thread() == std::this_thread::get_id()) pool->close_idle();
}

}  // namespace bv::http
