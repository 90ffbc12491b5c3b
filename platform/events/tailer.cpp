#include "platform/events/tailer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events {
namespace {

constexpr milliseconds wanted_check{1'000};  // at most this long until a wake that was missed for any reason is made up for

std::vector<std::string> names_of(const std::vector<std::shared_ptr<source_tail>>& tails) {
    std::vector<std::string> out;
    for (const auto& tail : tails) out.push_back(tail->source());
    return out;
}

}  // namespace

tailer::tailer(outbox_reader& r, std::vector<std::shared_ptr<source_tail>> tails, asio::any_io_executor e, clock& c, tailer_options o,
               std::function<bool()> wanted)
    : reader_(r), clock_(c), names_(names_of(tails)), options_(o), wanted_(std::move(wanted)), watch_(names_, c, o.watch), idle_(std::make_shared<signal>(std::move(e), c)) {
    for (auto& tail : tails) sources_.push_back({std::move(tail)});
}

void tailer::appended() noexcept {
    wake();
    if (options_.bell) options_.bell->ring();
}

void tailer::rung() noexcept {
    alert_until_ = clock_.steady_now() + options_.alert;
    wake();
}

void tailer::spawn_bell(scope& in, const asio::any_io_executor& e) {
    if (!options_.bell) return;
    in.spawn(e, options_.bell->tell());
    in.spawn(e, options_.bell->hear([this] { rung(); }));
}

void tailer::wake() noexcept {
    if (!hint_.exchange(true)) idle_->notify();
}

void tailer::halt() noexcept {
    halted_ = true;
    idle_->notify();
}

task<void> tailer::run() {
    auto interval = options_.poll_min;
    int failures = 0;
    while (!halted_) {
        if (wanted_ && !wanted_()) {
            co_await rest();
            interval = options_.poll_min;
            continue;
        }
        std::optional<error> broken;
        bool progress = false;
        try {
            progress = co_await poll();
        } catch (...) {
            broken = current_error();
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (halted_ || state.cancelled() != asio::cancellation_type::none) break;
        if (broken) {
            for (const auto& source : sources_) source.tail->restart();
            watch_.forget();
            telemetry::count("bv_events_tail_failures_total", "Reads of the outboxes that failed").add();
            if (failures++ % 64 == 0)
                telemetry::warn("events.tail_failed", {{"code", name(broken->code)}, {"reason", broken->reason}, {"message", broken->message}});
        } else {
            failures = 0;
        }
        interval = progress ? options_.poll_min : slower(interval);
        // Only the part beyond poll_min can be cut short: a hint comes before its commit, and many come at once.
        if (interval > options_.poll_min) co_await idle_->wait_for(interval - options_.poll_min);
        if (hint_.exchange(false)) interval = options_.poll_min;
        if (!halted_) co_await clock_.sleep_for(options_.poll_min);
    }
}

// What comes meanwhile is not read: the tails begin anew when they are wanted.
task<void> tailer::rest() {
    for (const auto& source : sources_) source.tail->restart();
    watch_.forget();
    co_await idle_->wait_for(wanted_check);
    hint_ = false;
}

milliseconds tailer::slower(milliseconds interval) const noexcept { return std::min(interval + interval / 2, longest_rest()); }

milliseconds tailer::longest_rest() const noexcept {
    if (std::ranges::any_of(sources_, [](const source& s) { return s.horizon.waiting(); })) return options_.poll_waiting;
    if (clock_.steady_now() < alert_until_.load()) return options_.poll_waiting;
    return options_.bell && options_.bell->hears() ? options_.poll_heard : options_.poll_max;
}

// True when there was something new.
task<bool> tailer::poll() {
    const auto found = co_await reader_.probe(names_);
    telemetry::count(polls_metric, "Looks at the outboxes' horizon").add();
    bool progress = false;
    for (std::size_t i = 0; i < sources_.size() && !halted_; ++i) {
        if (co_await refresh(sources_[i], found.heads.at(i), found.snapshot_xmin, found.next_xid, found.epoch)) progress = true;
        const auto& s = sources_[i];
        watch_.observe(i, s.tail->begun() ? s.at_gap : s.horizon.waiting(), s.tail->begun() ? s.read_to : s.horizon.safe());
    }
    if (!halted_ && watch_.wants_names()) co_await name_holders(found.snapshot_xmin);
    co_return progress;
}

// That delivery is held is worth telling even when nobody can say by whom.
task<void> tailer::name_holders(std::int64_t xmin) {
    std::vector<open_transaction> by;
    std::optional<error> broken;
    try {
        by = co_await reader_.who_runs(xmin);
    } catch (...) {
        broken = current_error();
    }
    if (broken) telemetry::warn("events.holders_unknown", {{"reason", broken->reason}, {"message", broken->message}});
    watch_.tell(std::move(by));
}

task<bool> tailer::refresh(source& s, std::int64_t head, std::int64_t xmin, std::int64_t next_xid, std::string epoch) {
    const auto safe = s.horizon.observe(head, xmin, next_xid, epoch);
    auto& tail = *s.tail;
    if (std::exchange(s.resets, s.horizon.resets()) != s.horizon.resets()) tail.restart();
    if (!tail.begun()) {
        if (s.horizon.waiting()) co_return false;  // start from a horizon that is known
        tail.begin(co_await reader_.last_row(tail.source(), safe));
        s.read_to = safe;
        s.at_gap = false;
        co_return true;
    }
    co_return co_await read(s, safe, head);
}

// Hands on what is settled of the rows after read_to: all up to the horizon, and beyond it those that follow without a gap.
// A position belongs to one row at most, so nothing can come to stand before a row that has no gap before it, whichever
// transactions are still open; only a gap, which is a transaction under way or one that was rolled back, waits for the horizon.
task<bool> tailer::read(source& s, std::int64_t safe, std::int64_t head) {
    if (s.at_gap && safe <= s.read_to) {
        // What is behind the gap was read once; it is read again when the gap is closed.
        const auto next = co_await reader_.fetch(s.tail->source(), s.read_to, s.read_to + 1, 1);
        if (next.empty()) co_return false;
    }
    bool progress = false;
    s.at_gap = false;
    while (!halted_ && !s.at_gap && s.read_to < head) {
        // From the last row and not from read_to, a bare value of the sequence, which may fall back in a crash.
        auto rows = co_await reader_.fetch(s.tail->source(), s.tail->head(), head, options_.fetch_rows);
        const bool all = rows.size() < static_cast<std::size_t>(options_.fetch_rows);
        auto last = s.read_to;
        const auto gap = std::ranges::find_if(rows, [&](const event_ptr& e) {
            if (e->position > safe && e->position != std::max(last, safe) + 1) return true;
            last = std::max(last, e->position);
            return false;
        });
        const bool stops = all || gap != rows.end();
        s.read_to = stops ? std::max(last, safe) : last;
        s.at_gap = stops && s.read_to < head;
        rows.erase(gap, rows.end());
        progress = progress || !rows.empty();
        s.tail->append(std::move(rows));
    }
    co_return progress;
}

}  // namespace bv::events
