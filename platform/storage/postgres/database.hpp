// PostgreSQL under coroutines: libpq, asynchronous and pipelined, with one bounded pool per core.
//
// A statement is declared once, beside the adapter that uses it, and prepared on each connection at first use:
//
//   constexpr pg::statement find_product{"product.find", R"(
//       SELECT id, name, price_minor FROM product.products WHERE id = $1)"};
//   auto rows = co_await tx.query(find_product, pg::params(id));
//   for (auto row : rows) use(row.get<product_id>(0), row.get<std::string_view>(1), row.get<std::int64_t>(2));
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/postgres/value.hpp"
#include "platform/storage/unit_of_work.hpp"

struct pg_result;  // libpq

namespace bv::pg {

// A prepared statement. Both views have static storage; the name is unique and shows in traces and metrics.
struct statement {
    std::string_view name;
    std::string_view sql;
};

// An error the server reported. what() names the statement, never its parameters.
class sql_error : public failure {
public:
    sql_error(bv::error e, std::string sqlstate, std::string constraint)
        : failure(std::move(e)), sqlstate_(std::move(sqlstate)), constraint_(std::move(constraint)) {}
    [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }      // "23505"
    [[nodiscard]] const std::string& constraint() const noexcept { return constraint_; }  // name, or empty
    [[nodiscard]] bool is_unique_violation() const noexcept { return sqlstate_ == "23505"; }
    [[nodiscard]] bool is_check_violation() const noexcept { return sqlstate_ == "23514"; }
    // Serialization failure or deadlock: run the transaction again.
    [[nodiscard]] bool is_retriable() const noexcept { return sqlstate_ == "40001" || sqlstate_ == "40P01"; }

private:
    std::string sqlstate_, constraint_;
};

class row;

// The rows of one result, in binary format. Views into it live as long as it does.
class rows {
public:
    rows() = default;
    explicit rows(pg_result*) noexcept;
    [[nodiscard]] int size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::int64_t affected() const noexcept;  // rows touched by INSERT, UPDATE, DELETE
    [[nodiscard]] row operator[](int i) const noexcept;
    [[nodiscard]] row front() const noexcept;
    class iterator;
    [[nodiscard]] iterator begin() const noexcept;
    [[nodiscard]] iterator end() const noexcept;

private:
    std::shared_ptr<pg_result> result_;
};

class row {
public:
    row(pg_result* r, int i) noexcept : result_(r), index_(i) {}
    [[nodiscard]] bool is_null(int column) const noexcept;
    // T: the types of pg::params (std::string_view and std::string read any text-like column and jsonb), strong ids,
    // std::optional<T> for a column that may be null, std::vector<T> for an array.
    // Throws std::logic_error naming the statement's column when the type does not fit or the value is null.
    template <class T>
    [[nodiscard]] T get(int column) const;

private:
    pg_result* result_;
    int index_;
};

// Forward over the rows; a row stays good as long as the result does.
class rows::iterator {
public:
    using value_type = row;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    iterator(pg_result* r, int i) noexcept : result_(r), index_(i) {}
    row operator*() const noexcept { return {result_, index_}; }
    iterator& operator++() noexcept {
        ++index_;
        return *this;
    }
    iterator operator++(int) noexcept {
        auto old = *this;
        ++index_;
        return old;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

private:
    pg_result* result_ = nullptr;
    int index_ = 0;
};

class connection;

// A transaction: BEGIN and the caller's identity travel with its first statement, COMMIT is sent by transactor::run.
class transaction final : public storage::unit_of_work {
public:
    explicit transaction(connection& c) : connection_(c) {}
    // One round trip (with everything queued before it). Throws sql_error; the transaction is then of no more use.
    // One call at a time.
    task<rows> query(statement, params = params{});
    // Queues a statement without waiting; its error surfaces at the next awaited statement or at commit.
    void send(statement, params = params{});
    // Plain SQL, several statements allowed: for migrations and tests.
    task<void> execute(std::string sql);

private:
    connection& connection_;
};

// The transaction behind a unit of work of pg::database.
[[nodiscard]] inline transaction& of(storage::unit_of_work& uow) { return static_cast<transaction&>(uow); }

// Who to be at the server, where that changes while the process runs.
struct login {
    std::string user, password;
};

struct options {
    std::string conninfo;                       // libpq keywords; the password is kept out of logs and errors
    std::string name = "main";                  // label in metrics and traces: the service
    int max_connections_per_core = 4;
    int max_waiting_per_core = 1024;            // callers queued for a connection; more are refused UNAVAILABLE
    milliseconds acquire_timeout{2'000};
    milliseconds connect_timeout{5'000};
    milliseconds statement_timeout{30'000};     // also the server's statement_timeout; 0 for none (migrations)
    milliseconds idle_transaction_timeout{10'000};  // the server rolls back for a client that stands still in a transaction, with its
                                                    // locks, for so long; 0 for never
    seconds idle_timeout{60};                   // an unused connection is closed; one a core is kept
    // For statements that find their rows by an index: planned once a connection, whatever the parameters, and never so as to read a
    // whole table (to scan, to hash or to merge it), which is best while it is empty and dear when it has grown.
    bool by_index = false;
    // Every connection does what it does as this role, which its login is a member of; empty: as its login.
    std::string assumed_role{};
    std::string search_path{};                  // of every connection; empty: as the server has it for the login
    // Called when the server refuses a login that log_in_as() gave. On any thread.
    std::function<void(const std::string& user)> on_refused{};
};

struct pool_stats {
    int open = 0, busy = 0, waiting = 0;
    std::uint64_t acquired = 0, timed_out = 0, reconnects = 0;
};

// One database as one role. Thread-safe: each io_context (run by one thread) has its own pool, made at first use.
// Connections that fail are dropped and opened again; while the server is away, calls fail UNAVAILABLE
// (after waiting at most acquire_timeout), and succeed again once it is back.
// Errors beside those of transactor: UNAVAILABLE "COMMIT_UNKNOWN" when the answer to a commit was lost (never retried
// here: look for the effect first); FAILED_PRECONDITION "DATABASE_LOGIN_REFUSED"; DEADLINE_EXCEEDED by the caller's
// deadline or the statement timeout. Cancelling a waiting call drops its connection, and the server stops
// its statement within a second.
// Lifetime: ends before the io_contexts that it was used on, after close() on each or after their threads have ended.
class database final : public storage::transactor {
public:
    database(options, clock&);
    ~database() override;

    task<void> run(storage::transaction_options, std::function<task<void>(storage::unit_of_work&)> work) override;

    // One statement in its own transaction, without row-level identity. Both views of the statement must be static.
    task<rows> query(statement, params = params{});
    // The same with the caller's identity set (one round trip).
    task<rows> query_as(storage::identity, statement, params = params{});

    // Calls on_notify(channel, payload) on a connection of its own until cancelled. Once it listens, at first and after
    // each reconnect, calls it with an empty payload for every channel: notifications may have been missed before.
    task<void> listen(std::vector<std::string> channels, std::function<void(std::string_view channel, std::string_view payload)>);

    // From now on connections are opened with this login. Those of the one before serve what they serve, and are closed then: no call
    // fails by the change. While the server refuses the latest login, calls wait for another as they do for a server that is away.
    void log_in_as(login);

    [[nodiscard]] pool_stats stats() const;       // summed over cores
    [[nodiscard]] const std::string& name() const noexcept;
    // Closes idle connections and waits for busy ones. Call on every core's stop.
    task<void> close();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::pg

#include "platform/storage/postgres/value_inl.hpp"
