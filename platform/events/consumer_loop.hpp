// One subscription at work: takes batches from its supply and applies each in one transaction of the consumer's store,
// together with the group's position.
//
// A failing batch is halved until the failing event stands alone; that one is tried `retry.attempts` times and then
// becomes a dead letter, and later events of its key are parked behind it. While a dependency is away nothing counts as an
// attempt. Another instance of the group that moved the position, or has the lease by now, is noticed by every transaction (fencing).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/error.hpp"
#include "platform/events/consumer_store.hpp"
#include "platform/events/event_supply.hpp"
#include "platform/events/log.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/storage/leased_job.hpp"

namespace bv::events {

struct consumer_metrics;

class consumer_loop {
public:
    // The store's positions are marks of the supply.
    consumer_loop(subscription, std::shared_ptr<event_supply>, std::unique_ptr<consumer_store>, asio::any_io_executor, clock&, rng&);
    ~consumer_loop();

    // Runs until halt(), on the executor given; never throws for a broken dependency. Under a lease: its fence goes with every move of
    // the position. May be cancelled and run again under the next.
    task<void> run(const storage::tenure* under = nullptr);
    // While another instance does the work, and this one does not: looks where the group is, for status().
    task<void> follow();
    // Thread-safe, all. halt: run() ends after the batch in hand. refresh: dead letters were resolved elsewhere.
    void halt() noexcept;
    void refresh() noexcept;
    [[nodiscard]] subscription_status status() const;
    [[nodiscard]] const subscription& what() const noexcept { return sub_; }

private:
    using attempt = std::optional<error>;  // what went wrong
    task<attempt> tried(task<void>);

    task<void> load();
    task<void> load_in(storage::unit_of_work&);
    task<void> fill();
    task<void> step();
    task<void> rest();
    task<void> look();
    task<void> look_in(storage::unit_of_work&, place*);
    task<void> apply_batch();
    task<void> apply_in(storage::unit_of_work&, std::int64_t to);
    task<void> advance_in(storage::unit_of_work&, std::int64_t to);
    task<void> after_failure(error);
    task<void> after_failed_event(error);
    task<void> give_up_in(storage::unit_of_work&, std::string why);
    task<void> back_off(int failures);
    void applied(std::int64_t to);
    [[nodiscard]] storage::transaction_options options(std::string traceparent) const;
    [[nodiscard]] place at() const noexcept { return {position_, fence_}; }

    const subscription sub_;
    const std::shared_ptr<event_supply> supply_;
    clock& clock_;
    rng& rng_;
    const std::unique_ptr<consumer_store> store_;
    const std::shared_ptr<signal> work_, halt_;
    const std::unique_ptr<consumer_metrics> metrics_;

    // Of the coroutine alone.
    const storage::tenure* under_ = nullptr;
    bool loaded_ = false;
    std::int64_t fence_ = 0;              // under which position_ was read
    std::uint64_t generation_ = 0;        // of the supply when the position was read
    std::int64_t scanned_ = 0;            // everything up to here is applied, or does not concern us
    std::deque<supplied> buffer_;         // matching events after it…
    std::int64_t buffered_to_ = 0;        // …up to here
    std::vector<event> batch_;            // in hand: copies of the first of buffer_, ordered by position
    std::size_t parked_ = 0;              // of them, by the last transaction
    std::size_t limit_;                   // of the next batch: halves on failure, doubles on success
    int attempts_ = 0;                    // of the single event in hand
    int waits_ = 0;                       // for a broken dependency, in a row
    std::set<std::string> blocked_;       // keys with unresolved dead letters; may hold resolved ones
    steady_point loaded_at_{}, saved_at_{};  // when the position was last read and last written
    steady_point next_batch_{};           // not before: what comes until then shares a batch

    std::atomic<std::int64_t> position_{0}, seen_{0}, dead_{0};
    std::atomic<bool> halted_{false}, refresh_{false};
};

}  // namespace bv::events
