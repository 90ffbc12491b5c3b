// The connections of one database on one io_context. Private to pg; used on that io_context's thread only.
#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <memory>

#include "platform/storage/postgres/connection.hpp"

namespace bv::pg {

class pool : public std::enable_shared_from_this<pool> {
public:
    pool(asio::any_io_executor, std::shared_ptr<client>);
    ~pool();

    // A connection for one caller; given back when the lease ends, dropped unless it is idle and in step.
    class lease {
    public:
        lease() = default;
        lease(std::shared_ptr<pool> p, std::unique_ptr<connection> c) noexcept : pool_(std::move(p)), connection_(std::move(c)) {}
        lease(lease&&) noexcept = default;
        lease& operator=(lease&&) noexcept;
        ~lease() { end(); }
        connection* operator->() const noexcept { return connection_.get(); }
        connection& operator*() const noexcept { return *connection_; }
        void end() noexcept;

    private:
        std::shared_ptr<pool> pool_;
        std::unique_ptr<connection> connection_;
    };

    // Waits in line at most until the earlier of acquire_timeout and deadline.
    // Throws failure UNAVAILABLE or DEADLINE_EXCEEDED, login_refused.
    task<lease> acquire(steady_point deadline);
    // Closes idle connections of an earlier login.
    void retire_idle();
    // Refuses new callers, wakes those in line, closes idle connections and waits for busy ones.
    task<void> close();

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }

    struct counters {
        std::atomic<int> open{0}, busy{0}, waiting{0};
        std::atomic<std::uint64_t> acquired{0}, timed_out{0}, reconnects{0};
    };
    [[nodiscard]] const counters& stats() const noexcept { return *stats_; }

private:
    struct waiter;
    class slot;
    struct idle_connection {
        std::unique_ptr<connection> held;
        steady_point since;
    };

    task<void> take_slot(steady_point until, bool callers_deadline);
    void give_slot() noexcept;
    task<std::unique_ptr<connection>> connect(steady_point until);
    void give_back(std::unique_ptr<connection>) noexcept;
    void drop(std::unique_ptr<connection>) noexcept;
    void arm_sweeper();
    void sweep();

    asio::any_io_executor executor_;
    std::shared_ptr<client> client_;
    std::shared_ptr<counters> stats_ = std::make_shared<counters>();
    std::deque<idle_connection> idle_;  // the longest unused first
    std::list<waiter*> waiters_;        // first come, first served
    asio::steady_timer sweeper_;
    asio::steady_timer all_back_;
    int slots_taken_ = 0;
    bool sweeping_ = false, closing_ = false;
};

}  // namespace bv::pg
