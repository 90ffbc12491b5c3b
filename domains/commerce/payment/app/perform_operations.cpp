#include "domains/commerce/payment/app/perform_operations.hpp"

#include <algorithm>

#include "platform/telemetry/log.hpp"

namespace bv::payment {
namespace {

constexpr std::size_t max_hints = 10'000;

provider_call to_call(const claimed_operation& c) {
    return {.ask = c.was != operation_state::pending,
            .key = c.op.key,
            .kind = c.op.kind,
            .amount = {c.op.amount, c.currency},
            .method = c.method,
            .authorisation = c.provider_reference,
            .order = c.order.str(),
            .traceparent = c.traceparent};
}

}  // namespace

operation_worker::operation_worker(clock& c, rng& r, storage::transactor& db, store& s, events::outbox& o, provider& p, worker_options w)
    : clock_(c), db_(db), store_(s), provider_(p), options_(w), apply_(c, r, s, o) {}

void operation_worker::wake() noexcept {
    woken_ = true;
    provider_.wake();
}

void operation_worker::stop() noexcept {
    stopping_ = true;
    provider_.wake();
}

void operation_worker::hurry(std::vector<std::string> keys) {
    bool any = false;
    for (auto& k : keys) {
        // The answer to what is under way comes by itself.
        if (in_flight_.contains(k) || hints_.size() >= max_hints) continue;
        any |= hints_.insert(std::move(k)).second;
    }
    if (any) provider_.wake();
}

task<void> operation_worker::run() {
    // A stop lets the calls under way end, so that their outcomes are known.
    while (!stopping_ || !in_flight_.empty() || !answered_.empty()) {
        std::optional<error> broken;
        try {
            co_await step();
        } catch (...) {
            if (stopping_) throw;
            broken = current_error();
        }
        if (!broken) continue;
        telemetry::warn("payment.worker_waits", {{"reason", broken->reason}, {"message", broken->message}});
        co_await clock_.sleep_for(options_.pause);
    }
}

int operation_worker::reserve(int wanted) noexcept {
    if (stopping_) return 0;
    auto taken = taken_.load();
    int got = 0;
    do got = std::clamp(options_.max_in_flight - taken, 0, wanted);
    while (!taken_.compare_exchange_weak(taken, taken + got));
    return got;
}

void operation_worker::release(int places) noexcept {
    if (places == 0) return;
    taken_ -= places;
    provider_.wake();  // the worker may have waited for them
}

steady_point operation_worker::wait_until() const {
    const auto now = clock_.steady_now();
    if (!answered_.empty() || !hints_.empty()) return now;
    if (stopping_) return now + options_.lease;
    if (taken_ >= options_.max_in_flight) return now + options_.lease;  // an answer or a place that is given back ends the wait
    auto until = next_poll_;
    if (woken_) until = now;
    if (next_due_) until = std::min(until, now + std::max<microseconds>(*next_due_ - clock_.now(), microseconds(0)));
    return std::max({until, paused_until_, now});
}

task<void> operation_worker::step() {
    auto answers = co_await provider_.answers(static_cast<std::size_t>(options_.max_batch), wait_until());
    if (stopping_ && answers.empty() && answered_.empty()) co_return;
    for (auto& a : answers) {
        const auto at = in_flight_.find(a.key);
        if (at == in_flight_.end()) continue;
        if (a.kind == answer_kind::not_sent) paused_until_ = clock_.steady_now() + options_.pause;
        answered_.push_back({std::move(at->second), std::move(a)});
        in_flight_.erase(at);
        --taken_;
    }
    const auto steady = clock_.steady_now();
    const bool due = woken_ || !hints_.empty() || steady >= next_poll_ || (next_due_ && *next_due_ <= clock_.now());
    // Not all places at once: the consumer, too, finds some.
    const int want = !due || steady < paused_until_ ? 0 : reserve(std::min(options_.max_batch, (options_.max_in_flight + 1) / 2));
    if (answered_.empty() && hints_.empty() && want == 0) co_return;
    // Cleared before the store is read: what comes later wakes again.
    const bool was_woken = want > 0 && woken_.exchange(false);
    const std::vector<std::string> hints(hints_.begin(), hints_.end());
    outcome_of_round round;
    try {
        const storage::transaction_options as{.identity = storage::system_identity("service:payment")};
        round = co_await db_.transact(as, [&](storage::unit_of_work& uow) { return transact(uow, answered_, hints, want); });
    } catch (...) {
        release(want);
        if (was_woken) woken_ = true;
        throw;
    }
    answered_.clear();
    for (const auto& h : hints) hints_.erase(h);
    take(std::move(round), want);
}

task<operation_worker::outcome_of_round> operation_worker::transact(storage::unit_of_work& uow, std::vector<answered_operation> answered,
                                                                    std::vector<std::string> hints, int want) {
    outcome_of_round out;
    const auto now = clock_.now();
    if (!hints.empty()) co_await store_.hurry(uow, std::move(hints), now);
    if (!answered.empty()) out.due = co_await apply_(uow, std::move(answered));
    if (want > 0) out.claimed = co_await store_.claim(uow, clock_.now(), clock_.now() + options_.lease, want);
    if (want > 0 && static_cast<int>(out.claimed.size()) < want) {
        out.due = co_await store_.next_due(uow);
        // Due, but in another worker's hands: it is looked at again, not spun on.
        if (out.due && out.claimed.empty()) out.due = std::max(*out.due, clock_.now() + milliseconds(20));
    }
    co_return out;
}

void operation_worker::take(outcome_of_round round, int wanted) {
    const auto now = clock_.now();
    if (wanted == 0) {
        if (round.due) next_due_ = next_due_ ? std::min(*next_due_, *round.due) : *round.due;
        return;
    }
    next_poll_ = clock_.steady_now() + options_.poll;
    // A full batch: there may be more. Else what the store said.
    next_due_ = static_cast<int>(round.claimed.size()) == wanted ? std::optional(now) : round.due;
    take_over(std::move(round.claimed), wanted);
}

void operation_worker::take_over(std::vector<claimed_operation> claimed, int places) {
    std::vector<provider_call> calls;
    for (auto& c : claimed) {
        auto call = to_call(c);
        // A lease that ran out while the call is still under way here: its answer is waited for.
        if (in_flight_.emplace(c.op.key, std::move(c)).second) calls.push_back(std::move(call));
    }
    release(places - static_cast<int>(calls.size()));
    if (!calls.empty()) provider_.submit(std::move(calls));
}

}  // namespace bv::payment
