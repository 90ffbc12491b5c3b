// One connection to one server on one io_context: commands of many callers in one pipeline, answered in order. Made anew when it
// breaks. Private to redis; used on the thread of its executor.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/resilience/circuit_breaker.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/storage/redis/options.hpp"
#include "platform/storage/redis/reply.hpp"
#include "platform/storage/redis/topology.hpp"
#include "platform/telemetry/metrics.hpp"

namespace boost::asio::ssl {
class context;
}

namespace bv::redis {

class transport;

// What every connection of a client shares. Thread-safe.
struct shared_state {
    shared_state(redis::options, bv::clock&, bv::rng&);
    const redis::options options;
    const std::shared_ptr<asio::ssl::context> tls;  // null: none
    bv::clock& clock;
    bv::rng& rng;
    telemetry::counter &commands, &refusals, &timeouts, &unreachable, &redirections;
    telemetry::histogram& seconds;
    telemetry::gauge& connections;
};

// What every connection to one server shares. Thread-safe.
struct server_state {
    server_state(address, bv::clock&);
    const address at;
    resilience::circuit_breaker breaker;
    std::atomic<int> up{0};         // connections that are
    std::atomic<bool> told{false};  // that it is away
};

// A connection that only listens: it takes no commands, and is asked for a sign of life when it is silent.
struct listener {
    std::string subscribe;                      // the command, as it is sent
    std::function<void(const reply&)> heard{};  // each thing that the server says
};

class link : public std::enable_shared_from_this<link> {
public:
    link(asio::any_io_executor, std::shared_ptr<shared_state>, std::shared_ptr<server_state>, std::shared_ptr<const listener> = nullptr);
    ~link();
    link(const link&) = delete;
    link& operator=(const link&) = delete;

    // Connects, serves, and connects again with growing pauses, until it is cancelled or given up. For a scope.
    static task<void> run(std::shared_ptr<link>);
    // Connects and serves until the connection ends. Throws what cancels it.
    static task<void> serve_once(std::shared_ptr<link>);
    // run() ends soon; what is in hand fails.
    void give_up();

    class pending;
    using ticket = std::shared_ptr<pending>;
    // Queues a command. Error UNAVAILABLE "REDIS_AWAY" or "CIRCUIT_OPEN" at once when the server is away, RESOURCE_EXHAUSTED
    // "REDIS_BUSY" when too many are queued. Awaited or not, its reply is read.
    [[nodiscard]] result<ticket> submit(std::string bytes, steady_point deadline);
    // Its reply; error UNAVAILABLE "REDIS_AWAY" or DEADLINE_EXCEEDED, when it may have been carried out or not.
    static task<result<reply>> wait(ticket);

    [[nodiscard]] const address& at() const noexcept { return server_->at; }
    [[nodiscard]] bool is_up() const noexcept { return state_ == state::up; }

private:
    // Until the first attempt to connect has ended, commands wait for it.
    enum class state : std::uint8_t { first_attempt, up, away };

    task<void> session();
    task<void> greet();
    task<reply> ask(std::string bytes);
    task<void> hear();
    task<void> receive();
    void deliver(reply);
    void lost(const error& why);
    void arm(steady_point at);
    void look_at_deadlines();
    void keep_alive();
    void disconnect() noexcept;
    [[nodiscard]] error away_error(std::string_view what) const;

    asio::any_io_executor executor_;
    std::shared_ptr<shared_state> shared_;
    std::shared_ptr<server_state> server_;
    std::shared_ptr<const listener> listener_;  // null: it takes commands
    std::shared_ptr<transport> bytes_;  // of the connection in hand; null: none
    asio::steady_timer timer_;
    reply_reader reader_;
    std::array<char, 16 * 1024> chunk_;
    std::deque<ticket> pending_;     // sent or to be sent, oldest first
    std::string early_;              // commands that wait for the first attempt to connect
    state state_ = state::first_attempt;
    bool given_up_ = false, armed_ = false, heard_ = false;
    steady_point alarm_{};
    std::uint64_t alarms_ = 0;
    int failures_ = 0;  // since it was last up
};

}  // namespace bv::redis
