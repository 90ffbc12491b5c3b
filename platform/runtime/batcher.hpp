// The commit combiner: callers on any core hand in single requests; a home executor runs them in batches.
//
// An idle batcher flushes a lone request at once. While a flush is in hand, requests collect, and the next flush takes
// them together: batches grow with load, and no request ever waits for a timer.
#pragma once

#include <concepts>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/assert.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv {

struct batcher_options {
    std::string name;               // label in metrics: "inventory.reserve"
    std::size_t max_batch = 64;     // requests a flush
    std::size_t max_queued = 1024;  // requests waiting for a flush; more are refused
    std::size_t lanes = 1;          // concurrent flushes
    bool retry_singly = true;       // when a flush of many throws, each of its requests is flushed alone
};

template <class Request, std::move_constructible Response>
    requires std::copy_constructible<Request>
class batcher {
public:
    // One answer a request, in order. May throw: the exception then goes to its requests (see retry_singly).
    // With retry_singly a flush that throws must have had no effect (one transaction). Called on the home executor.
    using flush_function = std::function<task<std::vector<result<Response>>>(std::vector<Request>)>;

    // The clock outlives the batcher. The home executor runs on one thread (or is a strand).
    batcher(batcher_options options, clock& c, asio::any_io_executor home, flush_function flush)
        : state_(std::make_shared<state>(std::move(options), c, std::move(flush))), home_(std::move(home)) {
        BV_ASSERT(state_->options.max_batch > 0 && state_->options.lanes > 0);
    }

    // Resumes on the caller's executor with the answer. Thread-safe. Throws what the flush threw; failure
    // RESOURCE_EXHAUSTED "BATCH_QUEUE_FULL" when too many wait, UNAVAILABLE "STOPPING" after stop(), DEADLINE_EXCEEDED
    // when the deadline passed before its flush began (nothing was done). A caller that is cancelled while it waits
    // leaves the queue; when its flush had begun, the flush goes on and its outcome is not known to the caller.
    task<result<Response>> submit(Request request, std::optional<steady_point> deadline = std::nullopt) {
        auto e = std::make_shared<entry>(std::move(request), deadline);
        if (state_->enqueue(e)) scope_->spawn(home_, lane(state_));
        try {
            co_await e->resume->wait();
        } catch (...) {
            state_->abandon(*e);
            throw;
        }
        if (e->error) std::rethrow_exception(e->error);
        co_return std::move(*e->answer);
    }

    // Refuses what is new, finishes what is queued. Call before the home executor ends.
    task<void> stop() {
        state_->refuse();
        co_await scope_->join();
    }

    [[nodiscard]] std::size_t queued() const { return state_->queued(); }

private:
    struct entry {
        entry(Request r, std::optional<steady_point> d) : request(std::move(r)), deadline(d) {}
        std::optional<Request> request;  // taken by its flush
        std::optional<steady_point> deadline;
        bool abandoned = false;  // guarded by the batcher's mutex
        // Written by the lane before it wakes the caller, read by the caller after.
        std::optional<result<Response>> answer;
        std::exception_ptr error;
        std::shared_ptr<waiter> resume = waiter::make();

        void finish(result<Response> a) {
            answer.emplace(std::move(a));
            resume->wake();
        }
        void finish(std::exception_ptr e) {
            error = std::move(e);
            resume->wake();
        }
    };
    using entries = std::vector<std::shared_ptr<entry>>;

    struct state {
        const batcher_options options;
        clock& time;
        const flush_function flush;
        telemetry::counter& batches;
        telemetry::counter& requests;

        mutable std::mutex mutex;
        std::deque<std::shared_ptr<entry>> queue;
        std::size_t running = 0;  // lanes
        bool stopping = false;

        state(batcher_options o, clock& c, flush_function f)
            : options(std::move(o)), time(c), flush(std::move(f)),
              batches(telemetry::count("bv_batches_total", "Batches flushed", {{"batcher", options.name}})),
              requests(telemetry::count("bv_batched_requests_total", "Requests flushed in batches", {{"batcher", options.name}})) {}

        // True when the caller must start another lane.
        bool enqueue(std::shared_ptr<entry> e) {
            std::lock_guard lock(mutex);
            if (stopping) throw failure(code::unavailable, "STOPPING", options.name + " is stopping; try another instance");
            if (queue.size() >= options.max_queued)
                throw failure(error{code::resource_exhausted, "BATCH_QUEUE_FULL",
                                    options.name + " has " + std::to_string(queue.size()) + " requests waiting; try again later", {}, milliseconds(100)});
            queue.push_back(std::move(e));
            if (running >= options.lanes) return false;
            ++running;
            return true;
        }

        void abandon(entry& e) {
            std::lock_guard lock(mutex);
            e.abandoned = true;
        }

        // The next batch; empty when there is no work, and then this lane has ended.
        entries take() {
            entries batch, late;
            const auto now = time.steady_now();
            {
                std::lock_guard lock(mutex);
                while (!queue.empty() && batch.size() < options.max_batch) {
                    auto e = std::move(queue.front());
                    queue.pop_front();
                    if (e->abandoned) continue;
                    (e->deadline && *e->deadline <= now ? late : batch).push_back(std::move(e));
                }
                if (batch.empty()) --running;
            }
            for (auto& e : late)
                e->finish(std::make_exception_ptr(
                    failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", "the deadline passed while waiting for " + options.name)));
            return batch;
        }

        void refuse() {
            std::lock_guard lock(mutex);
            stopping = true;
        }

        [[nodiscard]] std::size_t queued() const {
            std::lock_guard lock(mutex);
            return queue.size();
        }
    };

    static task<void> lane(std::shared_ptr<state> s) {
        while (true) {
            entries batch = s->take();
            if (batch.empty()) co_return;
            const bool again = co_await run(s, batch, s->options.retry_singly && batch.size() > 1);
            if (!again) continue;
            for (auto& e : batch) co_await run(s, entries(1, e), false);
        }
    }

    // True when the flush threw and its requests are left to be flushed alone.
    static task<bool> run(std::shared_ptr<state> s, entries batch, bool may_retry) {
        s->batches.add();
        s->requests.add(batch.size());
        std::exception_ptr error;
        try {
            std::vector<Request> requests;
            requests.reserve(batch.size());
            for (auto& e : batch) {
                if (may_retry)
                    requests.push_back(*e->request);
                else
                    requests.push_back(std::move(*e->request));
            }
            auto answers = co_await s->flush(std::move(requests));
            BV_ASSERT(answers.size() == batch.size());
            for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->finish(std::move(answers[i]));
        } catch (...) {
            error = std::current_exception();
        }
        if (error && may_retry) co_return true;
        if (error)
            for (auto& e : batch) e->finish(error);
        co_return false;
    }

    std::shared_ptr<state> state_;
    asio::any_io_executor home_;
    // A lane that is still ending keeps nothing of the batcher but its state.
    std::unique_ptr<scope> scope_ = std::make_unique<scope>("batcher." + state_->options.name);
};

}  // namespace bv
