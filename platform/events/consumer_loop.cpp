#include "platform/events/consumer_loop.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/events/consumer_metrics.hpp"
#include "platform/events/consumer_span.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events {
namespace {

constexpr std::string_view lag_metric = "bv_events_lag";
constexpr milliseconds idle_check{1'000};  // at most this long until a wake that was missed for any reason is made up for
constexpr milliseconds save_interval{1'000};  // of a position that only passed over events of other types
// When there is nothing else to do: dead letters may have been resolved, and the group rewound, through another instance.
constexpr milliseconds look_again{5'000};

bool is_transient(code c) noexcept { return c == code::unavailable || c == code::aborted || c == code::deadline_exceeded; }

}  // namespace

consumer_loop::consumer_loop(subscription s, std::shared_ptr<event_supply> supply, std::unique_ptr<consumer_store> store,
                             asio::any_io_executor executor, clock& c, rng& r)
    : sub_(std::move(s)),
      supply_(std::move(supply)),
      clock_(c),
      rng_(r),
      store_(std::move(store)),
      work_(std::make_shared<signal>(executor, c)),
      halt_(std::make_shared<signal>(executor, c)),
      metrics_(std::make_unique<consumer_metrics>(sub_.group, sub_.source)),
      limit_(sub_.max_batch) {
    supply_->attach(work_);
    // Read at each scrape: it grows also while this loop waits, fails, or is not run because the lease cannot be had.
    telemetry::observe(lag_metric, "Positions between the newest event and the last one applied", [this] { return static_cast<double>(status().lag); },
                       {{"group", sub_.group}, {"source", sub_.source}});
}

consumer_loop::~consumer_loop() { telemetry::forget(lag_metric, {{"group", sub_.group}, {"source", sub_.source}}); }

void consumer_loop::halt() noexcept {
    halted_ = true;
    work_->notify();
    halt_->notify();
}

void consumer_loop::refresh() noexcept {
    refresh_ = true;
    work_->notify();
}

subscription_status consumer_loop::status() const {
    const auto head = supply_->head();
    const auto seen = seen_.load();
    return {sub_.group, sub_.source, position_.load(), head, std::max<std::int64_t>(0, head - seen), dead_.load()};
}

storage::transaction_options consumer_loop::options(std::string traceparent) const {
    storage::transaction_options out;
    out.identity = storage::system_identity("service:" + sub_.consumer, std::move(traceparent));
    out.isolation = sub_.isolation;
    return out;
}

task<consumer_loop::attempt> consumer_loop::tried(task<void> work) {
    try {
        co_await std::move(work);
    } catch (...) {
        co_return current_error();
    }
    co_return std::nullopt;
}

task<void> consumer_loop::run(const storage::tenure* under) {
    under_ = under;
    loaded_ = false;
    attempts_ = waits_ = 0;
    while (!halted_) {
        const auto broken = co_await tried(step());
        if (halted_) break;
        if (broken)
            co_await after_failure(*broken);
        else
            waits_ = 0;
    }
}

task<void> consumer_loop::step() {
    batch_.clear();
    if (!loaded_ || refresh_.exchange(false)) co_await load();
    if (buffer_.empty()) {
        if (const auto early = next_batch_ - clock_.steady_now(); early.count() > 0) co_await halt_->wait_for(early);
        if (halted_) co_return;
        co_await fill();
    }
    if (!loaded_) co_return;
    if (buffer_.empty())
        co_await rest();
    else
        co_await apply_batch();
}

task<void> consumer_loop::follow() {
    under_ = nullptr;
    co_await load();
}

task<void> consumer_loop::load() {
    loaded_ = false;
    buffer_.clear();
    co_await sub_.store->run(options({}), [this](storage::unit_of_work& uow) { return load_in(uow); });
    loaded_ = true;
    loaded_at_ = clock_.steady_now();
}

task<void> consumer_loop::load_in(storage::unit_of_work& uow) {
    place there;
    if (under_) there = co_await store_->take(uow, under_->fence());
    else there = co_await store_->load(uow);
    blocked_ = co_await store_->blocked_keys(uow);
    blocked_.erase("");
    dead_ = co_await store_->unresolved(uow);
    fence_ = there.fence;
    position_ = scanned_ = there.position;
    seen_ = there.position;
}

task<void> consumer_loop::fill() {
    auto slice = co_await supply_->take(scanned_, sub_.types, sub_.max_batch * 4);
    if (slice.generation != std::exchange(generation_, slice.generation)) {
        loaded_ = false;
        co_return;
    }
    buffer_.assign(std::make_move_iterator(slice.events.begin()), std::make_move_iterator(slice.events.end()));
    buffered_to_ = slice.scanned;
    if (buffer_.empty()) seen_ = scanned_ = buffered_to_;
}

// Nothing for us: writes the position now and then when others' events were passed over, and waits for more.
task<void> consumer_loop::rest() {
    if (scanned_ < supply_->head()) co_return;  // more to look at
    if (clock_.steady_now() - loaded_at_ > look_again) {
        if (dead_ > 0) refresh_ = true;
        else co_await look();
        if (!loaded_) co_return;
    }
    auto until = clock_.steady_now() + idle_check;
    if (scanned_ != position_) {
        const auto due = saved_at_ + save_interval;
        if (due <= clock_.steady_now()) {
            const auto to = scanned_;
            co_await sub_.store->run(options({}), [this, to](storage::unit_of_work& uow) { return advance_in(uow, to); });
            saved_at_ = clock_.steady_now();
            position_ = to;
            supply_->applied(to);
        } else {
            until = std::min(until, due);
        }
    }
    co_await work_->wait_for(until - clock_.steady_now());
}

// Whether the group was rewound.
task<void> consumer_loop::look() {
    place there{.position = position_};
    co_await sub_.store->run(options({}), [this, &there](storage::unit_of_work& uow) { return look_in(uow, &there); });
    loaded_at_ = clock_.steady_now();
    if (there.position < position_) loaded_ = false;
}

task<void> consumer_loop::look_in(storage::unit_of_work& uow, place* there) { *there = co_await store_->load(uow); }

task<void> consumer_loop::advance_in(storage::unit_of_work& uow, std::int64_t to) { co_await store_->advance(uow, at(), to); }

task<void> consumer_loop::apply_batch() {
    const auto n = std::min(limit_, buffer_.size());
    const auto to = n == buffer_.size() ? buffered_to_ : buffer_[n - 1].mark;
    batch_.clear();
    for (std::size_t i = 0; i < n; ++i) batch_.push_back(*buffer_[i].event);
    // A supply that brings several streams together keeps the order of each.
    if (!std::ranges::is_sorted(batch_, {}, &event::position)) std::ranges::sort(batch_, {}, &event::position);

    const auto started = clock_.steady_now();
    next_batch_ = started + sub_.gather;
    auto span = span_of_batch(sub_, batch_);
    const auto broken = co_await tried(sub_.store->run(options(traceparent_of_batch(span, batch_)),
                                                       [this, to](storage::unit_of_work& uow) { return apply_in(uow, to); }));
    if (broken) {
        span.fail(broken->reason);
        span.end();
        throw failure(*broken);
    }
    metrics_->batch.observe(std::chrono::duration<double>(clock_.steady_now() - started).count());
    const auto now = clock_.now();
    for (const auto& e : batch_) metrics_->delivery.observe(std::chrono::duration<double>(now - e.time).count());
    applied(to);
    limit_ = std::min(sub_.max_batch, limit_ * 2);
}

// May run again after a serialization failure: sets no more than parked_ and blocked_ keys that are known to be free.
task<void> consumer_loop::apply_in(storage::unit_of_work& uow, std::int64_t to) {
    parked_ = 0;
    co_await store_->advance(uow, at(), to);
    std::vector<std::string> suspects;
    for (const auto& e : batch_)
        if (blocked_.contains(e.key)) suspects.push_back(e.key);
    if (suspects.empty()) {
        co_await sub_.handler(uow, batch_);
        co_return;
    }
    // The position's lock keeps replays away, so what is blocked now stays so until the commit.
    const auto blocked = co_await store_->blocked_among(uow, suspects);
    for (const auto& key : suspects)
        if (!blocked.contains(key)) blocked_.erase(key);
    std::vector<event> open, parked;
    for (const auto& e : batch_) (blocked.contains(e.key) ? parked : open).push_back(e);
    if (!parked.empty()) store_->park(uow, parked, 0, "parked behind an earlier event of its key", "blocked");
    if (!open.empty()) co_await sub_.handler(uow, open);
    parked_ = parked.size();
}

// The batch in hand is committed.
void consumer_loop::applied(std::int64_t to) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(batch_.size()));
    metrics_->consumed.add(batch_.size() - parked_);
    metrics_->dead_letters.add(parked_);
    dead_ += static_cast<std::int64_t>(parked_);
    position_ = scanned_ = to;
    seen_ = to;
    supply_->applied(to);
    saved_at_ = clock_.steady_now();
    attempts_ = 0;
    parked_ = 0;
    batch_.clear();
}

task<void> consumer_loop::after_failure(error why) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw failure(why);
    if (why.reason == consumer_store::position_moved) {
        // Another instance is at work: begin where it is, and leave it some room.
        loaded_ = false;
        attempts_ = 0;
        co_await back_off(std::min(++waits_, 4));
    } else if (batch_.empty() || is_transient(why.code)) {
        // It took too long, or met others, perhaps because it was much at once.
        if (!batch_.empty() && why.code != code::unavailable) limit_ = std::max<std::size_t>(1, batch_.size() / 2);
        if (waits_++ % 16 == 0)
            telemetry::warn("events.consumer_waits", {{"group", sub_.group}, {"source", sub_.source}, {"code", name(why.code)},
                                                      {"reason", why.reason}, {"message", why.message}});
        co_await back_off(waits_);
    } else if (batch_.size() > 1) {  // find the culprit: no event pays for its neighbours
        metrics_->failures.add();
        limit_ = batch_.size() / 2;
    } else {
        metrics_->failures.add();
        co_await after_failed_event(std::move(why));
    }
}

task<void> consumer_loop::after_failed_event(error why) {
    const auto& e = batch_.front();
    ++attempts_;
    telemetry::warn("events.handler_failed", {{"group", sub_.group}, {"source", sub_.source}, {"event_id", e.id.str()},
                                              {"type", e.type}, {"attempt", attempts_}, {"code", name(why.code)},
                                              {"reason", why.reason}, {"message", why.message}}, trace_of(e));
    if (attempts_ < sub_.retry.attempts) {
        co_await back_off(attempts_);
        co_return;
    }
    const auto text = fmt::format("{} {}: {}", name(why.code), why.reason, why.message);
    const auto broken = co_await tried(sub_.store->run(options(e.traceparent), [this, text](storage::unit_of_work& uow) {
        return give_up_in(uow, text);
    }));
    if (broken) {  // the event comes again, fails again and is given up then
        batch_.clear();
        co_await after_failure(*broken);
        co_return;
    }
    telemetry::error("events.dead_letter", {{"group", sub_.group}, {"source", sub_.source}, {"event_id", e.id.str()},
                                            {"type", e.type}, {"key", e.key}, {"reason", why.reason}}, trace_of(e));
    if (!e.key.empty()) blocked_.insert(e.key);
    parked_ = 1;
    applied(buffer_.front().mark);
    limit_ = sub_.max_batch;
}

task<void> consumer_loop::give_up_in(storage::unit_of_work& uow, std::string why) {
    co_await store_->advance(uow, at(), buffer_.front().mark);
    store_->park(uow, batch_, attempts_, why, "failed");
}

// Exponential, with jitter: between half of the delay and all of it. Ended by halt() only.
task<void> consumer_loop::back_off(int failures) {
    auto delay = sub_.retry.first_delay;
    for (int i = 1; i < failures && delay < sub_.retry.max_delay; ++i) delay *= 2;
    delay = std::min(delay, sub_.retry.max_delay);
    const auto half = std::chrono::nanoseconds(delay) / 2;
    if (!halted_) co_await halt_->wait_for(half + std::chrono::nanoseconds(rng_.below(static_cast<std::uint64_t>(half.count()) + 1)));
}

}  // namespace bv::events
