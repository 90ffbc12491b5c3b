// One libpq connection under Asio: connecting, writing, waiting for results, deadlines.
// Private to pg. Used by one coroutine at a time, on the thread of its executor.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/core/clock.hpp"
#include "platform/storage/postgres/database.hpp"
#include "platform/telemetry/metrics.hpp"

struct pg_conn;  // libpq

namespace bv::pg {

// How to connect: for PQconnectStartParams. Changes with database::log_in_as.
struct connect_words {
    std::vector<std::pair<std::string, std::string>> words;
    std::uint64_t generation = 0;
    std::string given_user{};  // by log_in_as; empty: the conninfo's own
};

// What all connections of one database share. Thread-safe.
struct client {
    client(options, clock&);

    [[nodiscard]] std::shared_ptr<const connect_words> words() const;
    void log_in_as(login);
    // Of the latest login: a connection of another one is not used again.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
    // Calls `tell` at each later log_in_as, as long as the owner holds it.
    void on_change(std::weak_ptr<std::function<void()>> tell);

    pg::options options;
    bv::clock& clock;
    telemetry::counter& statements;
    telemetry::counter& failures;
    telemetry::histogram& statement_seconds;

    // When a statement that starts now must have ended: options.statement_timeout and some grace for the server's
    // own, or the caller's deadline.
    [[nodiscard]] steady_point statement_deadline(steady_point callers) const;

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const connect_words> words_;
    std::vector<std::weak_ptr<std::function<void()>>> told_;
    std::atomic<std::uint64_t> generation_{0};
};

// The connection broke while nothing could have been committed: the work may be run again on another.
class connection_lost : public failure {
public:
    explicit connection_lost(const std::string& what) : failure(code::unavailable, "DATABASE_UNAVAILABLE", what) {}
};
// The server refuses this login: trying again does not help.
class login_refused : public failure {
public:
    explicit login_refused(const std::string& what) : failure(code::failed_precondition, "DATABASE_LOGIN_REFUSED", what) {}
};

class channel {
public:
    channel(asio::any_io_executor, std::shared_ptr<client>);
    ~channel();
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    // Throws connection_lost, also when the deadline passes, and login_refused.
    task<void> connect(steady_point deadline);
    [[nodiscard]] pg_conn* raw() const noexcept { return connection_; }

    // Waits below fail with DEADLINE_EXCEEDED after this point, and the connection counts as broken.
    void set_deadline(steady_point);
    void clear_deadline() noexcept { deadline_ = steady_point::max(); }

    // Writes what is queued.
    task<void> flush();
    // Until PQgetResult does not block.
    task<void> result_ready();
    // Until the server has sent something, which is then consumed.
    task<void> readable();

    // False once a wait failed or the server closed: the protocol state is unknown.
    [[nodiscard]] bool usable() const noexcept;
    // Nothing has arrived since the last result; false when the server has closed or spoken unasked.
    [[nodiscard]] bool quiet() const noexcept;
    // Opened with the latest login.
    [[nodiscard]] bool current() const noexcept { return words_ && words_->generation == client_->generation(); }
    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
    // Ends a wait for the server, which fails as a lost connection does.
    void end_wait();
    [[noreturn]] void lost();

private:
    struct deadline_watch;
    void attach_socket();
    task<void> wait_for(bool write);
    task<void> wait_for_either();
    [[nodiscard]] bool is_overdue() const noexcept;
    void check_wait(const boost::system::error_code&);

    asio::any_io_executor executor_;
    std::shared_ptr<client> client_;
    std::shared_ptr<const connect_words> words_;
    pg_conn* connection_ = nullptr;
    // A duplicate of libpq's descriptor: libpq closes its own as it likes, also inside PQconsumeInput.
    asio::posix::stream_descriptor descriptor_;
    std::shared_ptr<deadline_watch> watch_;
    steady_point deadline_ = steady_point::max();
    bool broken_ = false, was_ended_ = false;
};

// libpq's message without its line breaks.
[[nodiscard]] std::string last_message(const pg_conn*);

}  // namespace bv::pg
