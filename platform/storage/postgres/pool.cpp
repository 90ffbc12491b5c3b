#include "platform/storage/postgres/pool.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace bv::pg {
namespace {

constexpr milliseconds first_reconnect_delay{10}, max_reconnect_delay{500};

failure closed_failure(const std::string& name) {
    return {code::unavailable, "DATABASE_CLOSED", fmt::format("database {} is being closed", name)};
}

}  // namespace

// A caller in line. Leaves the line, or hands on the slot it got too late, when its frame goes away.
struct pool::waiter {
    waiter(pool& p, steady_point until) : owner(p), timer(p.executor_) {
        timer.expires_after(std::max(until - p.client_->clock.steady_now(), std::chrono::nanoseconds::zero()));
        place = p.waiters_.insert(p.waiters_.end(), this);
        p.stats_->waiting.fetch_add(1, std::memory_order_relaxed);
    }
    ~waiter() {
        if (in_line) leave();
        if (granted && !taken) owner.give_slot();
    }
    void leave() noexcept {
        owner.waiters_.erase(place);
        in_line = false;
        owner.stats_->waiting.fetch_sub(1, std::memory_order_relaxed);
    }
    pool& owner;
    asio::steady_timer timer;
    std::list<waiter*>::iterator place;
    bool in_line = true, granted = false, taken = false;
};

// The right to hold one of the connections, given back unless it became a lease.
class pool::slot {
public:
    explicit slot(pool& p) noexcept : pool_(&p) {}
    slot(const slot&) = delete;
    slot& operator=(const slot&) = delete;
    ~slot() {
        if (pool_ != nullptr) pool_->give_slot();
    }
    void release() noexcept { pool_ = nullptr; }

private:
    pool* pool_;
};

pool::lease& pool::lease::operator=(lease&& other) noexcept {
    if (this != &other) {
        end();
        pool_ = std::move(other.pool_);
        connection_ = std::move(other.connection_);
    }
    return *this;
}

void pool::lease::end() noexcept {
    if (connection_) pool_->give_back(std::move(connection_));
    pool_.reset();
}

pool::pool(asio::any_io_executor e, std::shared_ptr<client> c)
    : executor_(std::move(e)), client_(std::move(c)), sweeper_(executor_), all_back_(executor_, asio::steady_timer::time_point::max()) {}

pool::~pool() = default;

task<void> pool::take_slot(steady_point until, bool callers_deadline) {
    if (closing_) throw closed_failure(client_->options.name);
    if (slots_taken_ < client_->options.max_connections_per_core && waiters_.empty()) {
        ++slots_taken_;
        stats_->busy.store(slots_taken_, std::memory_order_relaxed);
        co_return;
    }
    if (static_cast<int>(waiters_.size()) >= client_->options.max_waiting_per_core) {
        throw failure(code::unavailable, "DATABASE_BUSY",
                      fmt::format("database {}: {} callers already wait for a connection", client_->options.name, waiters_.size()));
    }
    waiter self(*this, until);
    boost::system::error_code ec;
    co_await self.timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (self.granted) {
        self.taken = true;
        co_return;
    }
    if (closing_) throw closed_failure(client_->options.name);
    if (ec) throw boost::system::system_error(ec);  // cancelled
    stats_->timed_out.fetch_add(1, std::memory_order_relaxed);
    if (callers_deadline) {
        throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", fmt::format("database {}: no connection became free in time", client_->options.name));
    }
    throw failure(code::unavailable, "DATABASE_BUSY",
                  fmt::format("database {}: no connection became free within {} ms; {} are in use on this core", client_->options.name,
                              client_->options.acquire_timeout.count(), slots_taken_));
}

void pool::give_slot() noexcept {
    if (!waiters_.empty() && !closing_) {
        waiter* next = waiters_.front();
        next->leave();
        next->granted = true;
        next->timer.cancel();
        return;
    }
    --slots_taken_;
    stats_->busy.store(slots_taken_, std::memory_order_relaxed);
    if (slots_taken_ == 0) all_back_.cancel();
}

task<pool::lease> pool::acquire(steady_point deadline) {
    auto self = shared_from_this();
    const steady_point patience = client_->clock.steady_now() + client_->options.acquire_timeout;
    const steady_point until = std::min(deadline, patience);
    co_await take_slot(until, deadline < patience);
    slot held(*this);
    std::unique_ptr<connection> found;
    while (!found && !idle_.empty()) {
        found = std::move(idle_.back().held);
        idle_.pop_back();
        if (!found->current()) {
            drop(std::move(found));
        } else if (!found->alive()) {  // the server was restarted, or closed it
            stats_->reconnects.fetch_add(1, std::memory_order_relaxed);
            drop(std::move(found));
        }
    }
    if (!found) found = co_await connect(until);
    stats_->acquired.fetch_add(1, std::memory_order_relaxed);
    held.release();
    co_return lease(std::move(self), std::move(found));
}

// Tries with growing pauses: a server that restarts is away for a moment.
task<std::unique_ptr<connection>> pool::connect(steady_point until) {
    auto& clock = client_->clock;
    milliseconds delay = first_reconnect_delay;
    for (;;) {
        auto fresh = std::make_unique<connection>(executor_, client_);
        std::exception_ptr problem;
        try {
            co_await fresh->open(std::min(until, clock.steady_now() + client_->options.connect_timeout));
            stats_->open.fetch_add(1, std::memory_order_relaxed);
            co_return fresh;
        } catch (const connection_lost&) {
            problem = std::current_exception();
        } catch (const login_refused& refused) {
            // A login that was lent is taken back at times, and another follows: until it does, this database is away.
            if (!client_->options.on_refused) throw;
            problem = std::make_exception_ptr(connection_lost(refused.error().message));
        }
        fresh.reset();
        stats_->reconnects.fetch_add(1, std::memory_order_relaxed);
        const auto pause = delay / 2 + milliseconds(system_rng().below(static_cast<std::uint64_t>(delay.count())));
        if (closing_ || clock.steady_now() + pause >= until) std::rethrow_exception(problem);
        co_await clock.sleep_for(pause);
        delay = std::min(2 * delay, max_reconnect_delay);
    }
}

void pool::drop(std::unique_ptr<connection>) noexcept { stats_->open.fetch_sub(1, std::memory_order_relaxed); }

void pool::give_back(std::unique_ptr<connection> c) noexcept {
    if (c->reusable() && c->current() && !closing_) {
        idle_.push_back({std::move(c), client_->clock.steady_now()});
        arm_sweeper();
    } else {
        drop(std::move(c));
    }
    give_slot();
}

void pool::retire_idle() {
    for (auto it = idle_.begin(); it != idle_.end();) {
        if (it->held->current()) {
            ++it;
            continue;
        }
        drop(std::move(it->held));
        it = idle_.erase(it);
    }
}

void pool::arm_sweeper() {
    if (sweeping_ || idle_.size() <= 1) return;
    sweeping_ = true;
    const auto age = client_->clock.steady_now() - idle_.front().since;
    sweeper_.expires_after(std::max<std::chrono::nanoseconds>(client_->options.idle_timeout - age, milliseconds(1)));
    sweeper_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        if (auto self = weak.lock(); self && !ec) self->sweep();
    });
}

void pool::sweep() {
    sweeping_ = false;
    const auto oldest = client_->clock.steady_now() - client_->options.idle_timeout;
    while (idle_.size() > 1 && idle_.front().since <= oldest) {
        drop(std::move(idle_.front().held));
        idle_.pop_front();
    }
    arm_sweeper();
}

task<void> pool::close() {
    auto self = shared_from_this();
    closing_ = true;
    sweeper_.cancel();
    for (waiter* w : waiters_) w->timer.cancel();
    while (!idle_.empty()) {
        drop(std::move(idle_.back().held));
        idle_.pop_back();
    }
    while (slots_taken_ > 0) {
        boost::system::error_code ec;
        co_await all_back_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (slots_taken_ > 0 && ec) throw boost::system::system_error(ec);  // cancelled
    }
}

}  // namespace bv::pg
