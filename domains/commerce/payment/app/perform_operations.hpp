// The operation worker: takes due operations from the store, has the provider do them, and applies what it answers.
//
//   claim (transaction) ──► calls, side by side ──► apply answers and claim the next (one transaction) ──► …
//
// An operation that is due at once needs no claim of its own: the transaction that stores it leases it, and hands it over.
//
// An operation is marked in flight, durably, before it is sent. Whatever may have been handled is asked for by its key
// before anything is sent again, and is sent again only under the same key: an outcome is never guessed.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "domains/commerce/payment/app/apply_answers.hpp"
#include "domains/commerce/payment/app/ports.hpp"

namespace bv::payment {

struct worker_options {
    int max_batch = 128;          // operations claimed or applied in one transaction
    int max_in_flight = 192;      // leased, and not answered yet
    // How long an operation is ours. Longer than the longest that a call may queue and take (max_in_flight calls by
    // provider_options::concurrent at a time, each up to its time-out); after a crash, operations that were in flight are asked for
    // when it ends.
    milliseconds lease{6'000};
    milliseconds poll{1'000};     // looks for due operations at least this often
    milliseconds pause{200};      // claims nothing for this long after the provider was away
};

// One coroutine runs it. wake() and stop() are thread-safe; hurry() is called on the worker's own thread.
class operation_worker {
public:
    operation_worker(clock&, rng&, storage::transactor&, store&, events::outbox&, provider&, worker_options = {});

    // Until stop(). A broken store or provider is waited for.
    task<void> run();
    // One round: waits for answers, a wake, a due operation or the poll; then one transaction if there is something to
    // do. Throws when the store is away; the answers in hand are kept for the next round.
    task<void> step();
    // There may be due operations.
    void wake() noexcept;
    // Thread-safe. Places for up to `wanted` operations that the caller leases itself, in the transaction that stores them, and hands
    // over once that is committed; what was reserved is taken back by take_over() or release(). None are left while it stops.
    [[nodiscard]] int reserve(int wanted) noexcept;
    void release(int places) noexcept;
    // On the worker's own thread: sends what is stored as leased. Of the places, those that are not needed are free again.
    void take_over(std::vector<claimed_operation>, int places);
    // How long an operation that is handed over is to be leased for.
    [[nodiscard]] milliseconds lease() const noexcept { return options_.lease; }
    void stop() noexcept;
    // The provider says these keys have moved: unknown ones are asked for at once. At most 10,000 wait; more are dropped,
    // because they would be asked for later anyway.
    void hurry(std::vector<std::string> keys);

    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.size(); }

private:
    struct outcome_of_round {
        std::vector<claimed_operation> claimed;
        std::optional<time_point> due;
    };
    task<outcome_of_round> transact(storage::unit_of_work&, std::vector<answered_operation> answered, std::vector<std::string> hints, int want);
    [[nodiscard]] steady_point wait_until() const;
    void take(outcome_of_round, int wanted);

    clock& clock_;
    storage::transactor& db_;
    store& store_;
    provider& provider_;
    worker_options options_;
    apply_answers apply_;
    std::map<std::string, claimed_operation> in_flight_;
    std::vector<answered_operation> answered_;
    std::set<std::string> hints_;
    std::optional<time_point> next_due_;
    steady_point paused_until_{};
    steady_point next_poll_{};
    std::atomic<int> taken_{0};  // of max_in_flight: by operations in flight, and reserved for more
    std::atomic<bool> woken_{true};
    std::atomic<bool> stopping_{false};
};

}  // namespace bv::payment
