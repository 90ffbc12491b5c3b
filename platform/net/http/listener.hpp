// The server's part on one core: acceptor, connections and their deadlines, cached Date. Everything but count() is
// called on the core's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/connection.hpp"
#include "platform/net/http/server.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::http {

// What all cores share; read only once the server has started.
struct shared_state {
    server_options options;
    http::handler handler;
    std::shared_ptr<asio::ssl::context> tls;
    scope tasks{"http.server"};
};

class core_listener {
public:
    core_listener(asio::io_context& context, std::shared_ptr<shared_state> shared)
        : context_(context), acceptor_(context), timer_(context), shared_(std::move(shared)) {}

    // Binds with SO_REUSEPORT. Throws system_error.
    void listen(const asio::ip::tcp::endpoint&);
    [[nodiscard]] asio::ip::tcp::endpoint local() const { return acceptor_.local_endpoint(); }
    // Spawns the acceptor and the sweeper; `self` keeps everything alive until they have ended.
    static void run(std::shared_ptr<core_listener> self);

    // Stops accepting, closes idle connections, lets the others finish their request.
    void drain();
    // Closes every connection and ends the sweeper.
    void close_all();
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

    void add(connection&);
    void remove(connection&) noexcept;

    [[nodiscard]] const server_options& options() const noexcept { return shared_->options; }
    [[nodiscard]] const std::shared_ptr<asio::ssl::context>& tls() const noexcept { return shared_->tls; }
    [[nodiscard]] const http::handler& handler() const noexcept { return shared_->handler; }
    [[nodiscard]] asio::io_context& context() noexcept { return context_; }
    // The Date header's value, formatted anew at most once a second.
    [[nodiscard]] std::string_view date(steady_point now);
    // The server's own answer to a broken or refused request.
    [[nodiscard]] response error_page(int status, std::string_view detail, const request* = nullptr) const;

private:
    static task<void> accept_loop(std::shared_ptr<core_listener> self);
    static task<void> sweep_loop(std::shared_ptr<core_listener> self);
    void accepted(const std::shared_ptr<core_listener>& self, asio::ip::tcp::socket, const asio::ip::tcp::endpoint& peer);
    [[nodiscard]] milliseconds sweep_interval() const noexcept;

    asio::io_context& context_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer timer_;
    std::shared_ptr<shared_state> shared_;
    std::vector<connection*> connections_;
    std::atomic<std::size_t> count_{0};
    std::string date_;
    steady_point date_until_{};
    bool draining_ = false;
};

}  // namespace bv::http
