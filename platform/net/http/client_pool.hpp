// Keep-alive connections of a client: one pool per io_context, each used on its own thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/net/http/client_connection.hpp"

namespace bv::http {

class client_pools;

class client_pool {
public:
    // The right to use one connection; gives up the connection and its place when it ends, unless given back.
    class lease {
    public:
        lease(std::shared_ptr<client_pool> p, std::shared_ptr<client_connection> c, bool reused)
            : pool_(std::move(p)), connection_(std::move(c)), reused_(reused) {}
        lease(lease&&) noexcept = default;
        lease& operator=(lease&&) = delete;
        ~lease() {
            if (pool_) pool_->release(nullptr);
        }
        [[nodiscard]] client_connection& connection() const noexcept { return *connection_; }
        [[nodiscard]] bool reused() const noexcept { return reused_; }
        void give_back() { std::exchange(pool_, nullptr)->release(std::move(connection_)); }

    private:
        friend class client_pool;
        std::shared_ptr<client_pool> pool_;
        std::shared_ptr<client_connection> connection_;
        bool reused_;
    };

    explicit client_pool(client_pools& owner) : owner_(owner), thread_(std::this_thread::get_id()) {}

    // An idle connection, or a new one; waits for a place until the deadline. fresh: never an idle one.
    // Throws failure as client_connection::connect does, DEADLINE_EXCEEDED while waiting.
    static task<lease> acquire(std::shared_ptr<client_pool>, asio::any_io_executor, steady_point deadline, bool fresh);
    void close_idle() noexcept;
    [[nodiscard]] std::thread::id thread() const noexcept { return thread_; }

private:
    struct waiter {
        asio::steady_timer timer;
        std::shared_ptr<client_connection> connection{};
        bool granted = false;
    };
    struct idle_connection {
        std::shared_ptr<client_connection> connection;
        steady_point since;
    };

    static task<lease> wait(std::shared_ptr<client_pool>, asio::any_io_executor, steady_point deadline);
    [[nodiscard]] std::shared_ptr<client_connection> take_idle();
    void release(std::shared_ptr<client_connection>);

    client_pools& owner_;
    std::thread::id thread_;
    std::deque<idle_connection> idle_;  // the longest idle first
    std::list<waiter*> waiting_;
    int places_taken_ = 0;              // connections in use or idle
};

// What a client owns. Thread-safe.
class client_pools : public std::enable_shared_from_this<client_pools> {
public:
    explicit client_pools(client_options);
    [[nodiscard]] const client_options& options() const noexcept { return options_; }
    [[nodiscard]] const std::string& host_header() const noexcept { return host_header_; }
    // Null: plain text.
    [[nodiscard]] std::shared_ptr<asio::ssl::context> tls() const;
    [[nodiscard]] std::uint64_t generation() const noexcept;
    // Whether a connection shows the identity that is to be shown now.
    [[nodiscard]] bool is_current(const client_connection&) const noexcept;
    // The pool of the executor's context; keeps this alive too.
    [[nodiscard]] std::shared_ptr<client_pool> of(const asio::any_io_executor&);
    void close_mine();

private:
    client_options options_;
    std::string host_header_;
    std::shared_ptr<asio::ssl::context> tls_;
    std::mutex mutex_;
    std::vector<std::pair<const void*, std::unique_ptr<client_pool>>> pools_;
};

}  // namespace bv::http
