#include "platform/storage/leased_job.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/runtime/deadline.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::storage {
namespace {

constexpr milliseconds look_for_life{200};  // between looks at whether the process that has the lease is gone

void count(std::string_view outcome) {
    telemetry::count("bv_leases_total", "Leases of this process that were acquired, given back, or lost to another or with the store", {{"outcome", outcome}}).add();
}

lease_terms with_owner(lease_terms t) {
    static std::atomic<int> jobs{0};
    if (t.owner.empty()) t.owner = fmt::format("{}#{}", process_identity(), ++jobs);
    return t;
}

task<void> throw_if_stopped() {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw boost::system::system_error(asio::error::operation_aborted);
}

// Awaits the step. True when the caller was cancelled meanwhile, which is then forgotten: what follows is awaited undisturbed.
task<bool> is_cut_short(task<void> step) {
    std::exception_ptr why;
    try {
        co_await std::move(step);
    } catch (...) {
        why = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) {
        if (why) std::rethrow_exception(why);
        co_return false;
    }
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_return true;
}

}  // namespace

struct leased_job::holding {
    holding(lease_store& s, lease l, clock& c, std::string scope_name) : mine(s, std::move(l), c), doing(std::move(scope_name)) {}
    tenure mine;
    scope doing;
    steady_point renew_at{};
    bool ended = false;  // the work
    bool lost = false;
};

leased_job::leased_job(lease_store& s, lease_terms t, work w, asio::any_io_executor e, clock& c, rng& r)
    : store_(s), terms_(with_owner(std::move(t))), work_(std::move(w)), executor_(std::move(e)), clock_(c), rng_(r), wake_(std::make_shared<signal>(executor_, c)) {}

leased_job::~leased_job() = default;

void leased_job::halt() noexcept {
    halted_ = true;
    wake_->notify();
}

task<void> leased_job::run() {
    while (!halted_) {
        steady_point asked_at{};
        auto mine = co_await obtain(asked_at);
        if (!mine) co_return;
        co_await hold(std::move(*mine), asked_at);
        // Not again and again for work that ends at once.
        const auto until = clock_.steady_now() + beat() / 3;
        while (!halted_ && clock_.steady_now() < until) co_await wake_->wait_for(until - clock_.steady_now());
    }
}

// Nothing: halted.
task<std::optional<lease>> leased_job::obtain(steady_point& asked_at) {
    auto pause = terms_.first_pause;
    int failures = 0;
    while (!halted_) {
        std::optional<error> broken;
        std::optional<lease_taken> taken;
        try {
            asked_at = clock_.steady_now();
            auto got = co_await store_.acquire(terms_.name, terms_.owner, terms_.life, gone_);
            if (got) co_return std::move(*got);
            taken = std::move(got.error());
            if (terms_.while_waiting) co_await terms_.while_waiting();
        } catch (...) {
            broken = current_error();
        }
        co_await throw_if_stopped();
        gone_.clear();
        if (!broken) {
            failures = 0;
            pause = terms_.first_pause;
            co_await wait_for_turn(std::move(*taken));
            continue;
        }
        if (failures++ % 16 == 0)
            telemetry::warn("lease.store_away", {{"lease", terms_.name}, {"code", bv::name(broken->code)}, {"reason", broken->reason}, {"message", broken->message}});
        co_await wake_->wait_for(pause / 2 + milliseconds(rng_.below(static_cast<std::uint64_t>(pause.count() / 2 + 1))));
        pause = std::min(2 * pause, beat());
    }
    co_return std::nullopt;
}

// Until the lease may be free, but no longer than a third of its life: its owner may have given it back.
task<void> leased_job::wait_for_turn(lease_taken by) {
    const auto jitter = milliseconds(rng_.below(static_cast<std::uint64_t>(beat().count() / 8 + 1)));
    const auto until = clock_.steady_now() + std::clamp(by.left, milliseconds(1), beat()) + jitter;
    while (!halted_ && clock_.steady_now() < until) {
        if (!by.owner.empty() && terms_.is_gone && terms_.is_gone(by.owner)) {
            gone_ = std::move(by.owner);
            co_return;
        }
        co_await wake_->wait_for(std::min<std::chrono::nanoseconds>(until - clock_.steady_now(), look_for_life));
    }
}

task<void> leased_job::do_work() {
    std::exception_ptr why;
    try {
        co_await work_(now_->mine);
    } catch (...) {
        why = std::current_exception();
    }
    now_->ended = true;
    wake_->notify();
    if (why) std::rethrow_exception(why);  // told of by the scope
}

task<void> leased_job::hold(lease l, steady_point asked_at) {
    count("acquired");
    telemetry::debug("lease.acquired", {{"lease", l.name}, {"fence", l.fence}});
    now_ = std::make_unique<holding>(store_, std::move(l), clock_, "lease " + terms_.name);
    now_->mine.sure_until_ = asked_at + terms_.life - margin();
    now_->renew_at = asked_at + beat();
    held_ = true;
    now_->doing.spawn(executor_, do_work());
    bool cancelled = co_await is_cut_short(keep());
    now_->doing.stop();
    while (co_await is_cut_short(now_->doing.join())) cancelled = true;
    held_ = false;
    if (co_await is_cut_short(give_back())) cancelled = true;
    if (cancelled) throw boost::system::system_error(asio::error::operation_aborted);
}

// Until the work has ended or the lease is lost.
task<void> leased_job::keep() {
    auto& h = *now_;
    while (!h.ended && !h.lost) {
        const auto now = clock_.steady_now();
        if (now < h.renew_at) {
            co_await wake_->wait_for(h.renew_at - now);
        } else if (!co_await renew()) {
            // Away or slow, and there may be time left.
            if (clock_.steady_now() >= h.mine.sure_until_.load()) h.lost = true;
            h.renew_at = clock_.steady_now() + terms_.life / 36;
        }
    }
}

task<bool> leased_job::renew() {
    auto& h = *now_;
    const auto asked_at = clock_.steady_now();
    std::optional<error> broken;
    bool ours = false;
    try {
        ours = co_await with_deadline(clock_, h.mine.sure_until_.load(), store_.renew(h.mine.held(), terms_.life));
    } catch (...) {
        broken = current_error();
    }
    co_await throw_if_stopped();
    if (!broken && !ours) h.lost = true;
    if (broken || !ours) co_return false;
    h.mine.sure_until_ = asked_at + terms_.life - margin();
    h.renew_at = asked_at + beat();
    co_return true;
}

task<void> leased_job::give_back() {
    if (now_->lost) {
        count("lost");
        telemetry::warn("lease.lost", {{"lease", terms_.name}, {"fence", now_->mine.fence()}});
        co_return;
    }
    std::optional<error> broken;
    try {
        // No longer than it is ours: then it runs out by itself, and a stop does not wait for a store that stands still.
        co_await with_deadline(clock_, now_->mine.sure_until_.load(), store_.release(now_->mine.held()));
    } catch (...) {
        broken = current_error();
    }
    count("given_back");
    telemetry::debug("lease.given_back", {{"lease", terms_.name}, {"fence", now_->mine.fence()}, {"result", broken ? broken->reason : std::string("done")}});
}

}  // namespace bv::storage
