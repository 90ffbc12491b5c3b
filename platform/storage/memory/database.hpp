// Tables in memory with the transactions of PostgreSQL, as far as this platform rests on them: for simulation and tests.
//
// Transaction ids in the order of the first write, a snapshot a statement (read committed) or a transaction (repeatable
// read), row locks that wait, deadlocks and serialization failures that are reported and retried, unique keys, sequences
// that are drawn and never given back. What a transaction writes is seen by others once it commits; one that is not
// committed when its coroutine ends, for whatever reason, is rolled back.
//
// Nothing here is thread-safe: a database and all its clients live on one thread. Coroutines take turns at each call of
// a store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/core/uuid.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::memory {

class transaction;

// Who has something, and who waits for it.
struct lock {
    transaction* holder = nullptr;
    std::vector<std::shared_ptr<waiter>> waiting{};
};

// What a transaction has locked, and perhaps written: ended with it.
class held {
public:
    virtual ~held() = default;
    // What was written becomes the version of this commit.
    virtual void commit(void* row, std::int64_t number, std::int64_t oldest_snapshot) = 0;
    virtual void roll_back(void* row) = 0;
};

class database {
public:
    database() = default;
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    // For the event log's horizon: every transaction before oldest_running() has ended, and none from next_id() has begun.
    [[nodiscard]] std::int64_t oldest_running() const noexcept { return running_.empty() ? next_id_ : *running_.begin(); }
    [[nodiscard]] std::int64_t next_id() const noexcept { return next_id_; }
    // Open ones, whether or not they have written: none must be left at the end of a run.
    [[nodiscard]] std::size_t open_transactions() const noexcept { return open_.size(); }
    // How many transactions wrote something and were committed.
    [[nodiscard]] std::int64_t commits() const noexcept { return commits_; }

private:
    friend class transaction;
    [[nodiscard]] std::int64_t oldest_snapshot() const noexcept;

    std::int64_t next_id_ = 100, commits_ = 0;
    std::set<std::int64_t> running_;         // that have an id
    std::vector<const transaction*> open_;
    std::map<std::string, lock, std::less<>> named_locks_;
};

// A moment on the way between a client and the database.
enum class leg : unsigned char {
    request,    // a statement is under way to the database
    commit,     // the commit is: nothing is committed yet
    answer,     // the commit's answer is under way back: all is committed
};

// The way. May take time, and may throw: failure UNAVAILABLE for a connection that is lost, conflict for a transaction
// that the database gives up.
class link {
public:
    virtual ~link() = default;
    virtual task<void> pass(leg) = 0;
};

// A serialization failure or a deadlock: the transaction is run again.
class conflict : public failure {
public:
    explicit conflict(std::string reason) : failure(code::aborted, std::move(reason), "the transaction met another one") {}
};

// One transaction: what stores get as their unit of work.
class transaction final : public storage::unit_of_work {
public:
    transaction(database&, link&, storage::transaction_options);
    ~transaction() override;  // rolls back what was not committed

    [[nodiscard]] const storage::identity& who() const noexcept { return options_.identity; }
    // Row-level security.
    [[nodiscard]] bool sees_all() const noexcept { return options_.identity.all_customers; }
    [[nodiscard]] bool sees(const uuid& customer) const noexcept { return sees_all() || options_.identity.customer == customer; }

    // Every call of a store begins with this: the way to the database, and what the statement sees.
    task<void> statement();
    // Waits until nobody else has it; it is ours until the end.
    task<void> lock_named(std::string name);
    // Nothing more can be done in this transaction: what it wrote violates a constraint.
    [[noreturn]] void violate(code, std::string reason, const std::string& message);
    // It met another one, and is run again.
    [[noreturn]] void give_up(std::string reason);

    // For tables.
    [[nodiscard]] std::int64_t snapshot() const noexcept { return snapshot_; }
    [[nodiscard]] bool reads_one_snapshot() const noexcept { return options_.isolation != storage::isolation::read_committed; }
    // The id; given out at the first call.
    std::int64_t id();
    // Takes a free lock, or one that is ours. `row` and `of` are told of the end; both null for what is no row.
    void take(lock&, held* of, void* row);
    // Waits until the lock is free or ours. Throws conflict "DEADLOCK" when its holder waits for us.
    task<void> wait_for(lock&);

    // For clients.
    task<void> commit();

private:
    struct holding {
        lock* what;
        held* of;
        void* row;
    };
    void end(bool committed) noexcept;
    void check_usable() const;

    database& database_;
    link& link_;
    const storage::transaction_options options_;
    std::int64_t id_ = 0, snapshot_ = 0;
    bool began_ = false, broken_ = false, ended_ = false;
    std::vector<holding> held_;
    const lock* waits_for_ = nullptr;
};

// The transaction behind a unit of work of a client.
[[nodiscard]] inline transaction& of(storage::unit_of_work& uow) { return static_cast<transaction&>(uow); }

// Runs transactions, as one service does on its connections. Conflicts are retried as often as the options say.
class client final : public storage::transactor {
public:
    // Everything outlives the client. Without a way of its own: one that takes no time and loses nothing.
    client(database&, clock&, rng&);
    client(database&, clock&, rng&, link&);

    task<void> run(storage::transaction_options, std::function<task<void>(storage::unit_of_work&)> work) override;

private:
    database& database_;
    clock& clock_;
    rng& rng_;
    link& link_;
};

}  // namespace bv::memory
