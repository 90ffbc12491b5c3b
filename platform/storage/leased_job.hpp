// Runs work for as long as a lease is held: one process at a time does it, and when that one dies, stands still or cannot reach
// the store, another goes on.
//
//   leased_job sweeping(leases, {.name = "orders:time-outs"}, [this](const tenure& t) { return sweep(t); }, home, clock, rng);
//   scope.spawn(home, sweeping.run());
//   …
//   sweeping.halt();         // the work ends by itself…
//   scope.stop();            // …or is cancelled; either way the lease is given back, and the next one begins at once
//   co_await scope.join();
//
// The lease is renewed at a third of its life. Whoever cannot renew it stops the work before the store lets another have it,
// by the own monotonic clock and with a margin. A process that stood still learns of it too late: effects go through
// tenure::confirm() or another fence (platform/storage/lease.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/runtime/process_identity.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/storage/lease.hpp"

namespace bv::storage {

struct lease_terms {
    std::string name;
    std::string owner{};             // empty: this process, and in it this job alone
    milliseconds life{9'000};        // after so long without a renewal another may have it
    milliseconds first_pause{50};    // while the store is away; doubles, up to a third of the life
    // Whether an owner has certainly ended: its lease is not waited for. Asked five times a second while another has it.
    std::function<bool(const std::string& owner)> is_gone = [](const std::string& owner) { return is_surely_gone(owner); };
    // Called after each look at a lease that another has: to follow what the other does. May be empty.
    std::function<task<void>()> while_waiting{};
};

[[nodiscard]] inline lease_terms named(std::string name, lease_terms t) {
    t.name = std::move(name);
    return t;
}

// One holding of the lease, from its acquisition to its loss: what the work is given. Lives as long as the work runs.
class tenure {
public:
    tenure(lease_store& s, lease l, clock& c) : store_(s), lease_(std::move(l)), clock_(c) {}

    [[nodiscard]] const lease& held() const noexcept { return lease_; }
    [[nodiscard]] std::int64_t fence() const noexcept { return lease_.fence; }
    // Nobody else can have it yet, if this process has not stood still since: for work whose effects cannot be fenced. Thread-safe.
    [[nodiscard]] bool is_sure() const { return clock_.steady_now() < sure_until_.load(); }
    // As lease_store::confirm.
    task<void> confirm(unit_of_work& uow) const { return store_.confirm(uow, lease_); }

private:
    friend class leased_job;
    lease_store& store_;
    const lease lease_;
    clock& clock_;
    std::atomic<steady_point> sure_until_{};
};

// Everything given outlives it, and it outlives its run(). The executor runs on one thread.
class leased_job {
public:
    // Goes on until it is done or cancelled. When it is done, or throws, the lease is given back; it begins again, after a pause
    // and under a new fence, unless halt() was called.
    using work = std::function<task<void>(const tenure&)>;
    leased_job(lease_store&, lease_terms, work, asio::any_io_executor, clock&, rng&);
    ~leased_job();

    // Until halt() and the end of the work, or until it is cancelled, which cancels the work. On the executor given; a store that is
    // away is waited for.
    task<void> run();
    // Thread-safe. Does not end the work: its owner does.
    void halt() noexcept;

    // Thread-safe, both.
    [[nodiscard]] bool is_held() const noexcept { return held_; }
    [[nodiscard]] const std::string& name() const noexcept { return terms_.name; }

private:
    struct holding;
    task<std::optional<lease>> obtain(steady_point& asked_at);
    task<void> wait_for_turn(lease_taken);
    task<void> hold(lease, steady_point asked_at);
    task<void> do_work();
    task<void> keep();
    task<bool> renew();
    task<void> give_back();
    [[nodiscard]] milliseconds margin() const noexcept { return terms_.life / 6; }
    [[nodiscard]] milliseconds beat() const noexcept { return terms_.life / 3; }

    lease_store& store_;
    const lease_terms terms_;
    const work work_;
    const asio::any_io_executor executor_;
    clock& clock_;
    rng& rng_;
    const std::shared_ptr<signal> wake_;
    std::unique_ptr<holding> now_;  // the one in hand, or the last
    std::string gone_;              // the owner that was seen to be gone
    std::atomic<bool> halted_{false}, held_{false};
};

}  // namespace bv::storage
