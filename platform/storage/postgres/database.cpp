#include "platform/storage/postgres/database.hpp"

#include <algorithm>
#include <exception>
#include <mutex>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/storage/postgres/listener.hpp"
#include "platform/storage/postgres/pool.hpp"

namespace bv::pg {
namespace {

constexpr milliseconds first_retry_delay{2}, max_retry_delay{200};

milliseconds retry_delay(int failed_attempts) {
    const auto top = std::min(first_retry_delay * (1 << std::min(failed_attempts, 10)), max_retry_delay);
    return milliseconds(1 + system_rng().below(static_cast<std::uint64_t>(top.count())));
}

// Why an attempt of a transaction ended.
enum class ending : unsigned char { committed, conflict, lost, failed };

}  // namespace

struct database::impl {
    impl(options o, clock& c) : shared(std::make_shared<client>(std::move(o), c)) {}

    pool& here(const asio::any_io_executor& e) {
        auto* context = &asio::query(e, asio::execution::context);
        const std::scoped_lock guard(mutex);
        for (auto& [where, p] : pools) {
            if (where == context) return *p;
        }
        return *pools.emplace_back(context, std::make_shared<pool>(e, shared)).second;
    }

    pool_stats stats() const {
        pool_stats sum;
        const std::scoped_lock guard(mutex);
        for (const auto& [_, p] : pools) {
            const auto& s = p->stats();
            sum.open += s.open.load(std::memory_order_relaxed);
            sum.busy += s.busy.load(std::memory_order_relaxed);
            sum.waiting += s.waiting.load(std::memory_order_relaxed);
            sum.acquired += s.acquired.load(std::memory_order_relaxed);
            sum.timed_out += s.timed_out.load(std::memory_order_relaxed);
            sum.reconnects += s.reconnects.load(std::memory_order_relaxed);
        }
        return sum;
    }

    std::shared_ptr<client> shared;
    mutable std::mutex mutex;
    std::vector<std::pair<asio::execution_context*, std::shared_ptr<pool>>> pools;
};

database::database(options o, clock& c) : impl_(std::make_shared<impl>(std::move(o), c)) {
    const auto& name = impl_->shared->options.name;
    const auto gauge = [&](std::string_view metric, std::string_view help, auto read) {
        telemetry::observe(
            metric, help,
            [weak = std::weak_ptr(impl_), read] {
                const auto self = weak.lock();
                return self ? static_cast<double>(read(self->stats())) : 0.0;
            },
            {{"database", name}});
    };
    gauge("bv_pg_connections_open", "Open connections", [](const pool_stats& s) { return s.open; });
    gauge("bv_pg_connections_busy", "Connections in use", [](const pool_stats& s) { return s.busy; });
    gauge("bv_pg_callers_waiting", "Callers in line for a connection", [](const pool_stats& s) { return s.waiting; });
}

database::~database() = default;

void database::log_in_as(login who) {
    impl_->shared->log_in_as(std::move(who));
    const std::scoped_lock guard(impl_->mutex);
    for (const auto& [_, p] : impl_->pools) asio::post(p->executor(), [p] { p->retire_idle(); });
}

pool_stats database::stats() const { return impl_->stats(); }
const std::string& database::name() const noexcept { return impl_->shared->options.name; }

namespace {

// One attempt. The outcome is in the pair, so that the caller may wait before the next one.
task<std::pair<ending, std::exception_ptr>> attempt(pool& p, const storage::transaction_options& o,
                                                    const std::function<task<void>(storage::unit_of_work&)>& work) {
    auto lease = co_await p.acquire(o.deadline);
    lease->begin(o);
    std::exception_ptr error;
    ending how = ending::failed;
    try {
        transaction tx(*lease);
        co_await work(tx);
        co_await lease->commit();
        co_return std::pair{ending::committed, std::exception_ptr{}};
    } catch (const sql_error& e) {
        error = std::current_exception();
        if (e.is_retriable()) how = ending::conflict;
    } catch (const connection_lost&) {
        error = std::current_exception();
        how = ending::lost;
    } catch (...) {
        error = std::current_exception();
    }
    // A cancelled coroutine can wait for nothing more: its connection is dropped, which rolls back as well.
    if ((co_await asio::this_coro::cancellation_state).cancelled() == asio::cancellation_type::none) {
        try {
            co_await lease->rollback();
        } catch (const failure&) {
            // The connection is dropped; the first error tells more.
        }
    }
    co_return std::pair{how, error};
}

}  // namespace

task<void> database::run(storage::transaction_options o, std::function<task<void>(storage::unit_of_work&)> work) {
    auto self = impl_;
    pool& here = self->here(co_await asio::this_coro::executor);
    bool was_lost = false;
    for (int tries = 1;;) {
        auto [how, error] = co_await attempt(here, o, work);
        switch (how) {
            case ending::committed: co_return;
            case ending::failed: std::rethrow_exception(error);
            case ending::lost:
                // Nothing was committed. Once: the connection may just have been an old one.
                if (was_lost) std::rethrow_exception(error);
                was_lost = true;
                continue;
            case ending::conflict: break;
        }
        auto& clock = self->shared->clock;
        if (tries >= o.attempts) {
            throw failure(code::aborted, "TRANSACTION_CONFLICT",
                          fmt::format("the transaction conflicted with others {} times in a row: try again later", tries));
        }
        const auto pause = retry_delay(tries);
        if (clock.steady_now() + pause >= o.deadline) {
            throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", "no time is left to run a conflicting transaction again");
        }
        co_await clock.sleep_for(pause);
        ++tries;
    }
}

namespace {

task<rows> run_alone(pool& p, bv::clock& clock, const storage::identity* who, statement s, params values) {
    constexpr int attempts = 5;
    for (int tries = 1;; ++tries) {
        auto lease = co_await p.acquire(steady_point::max());
        std::string lost;
        try {
            co_return co_await lease->run_alone(who, s, values, steady_point::max());
        } catch (const sql_error& e) {
            if (!e.is_retriable() || tries == attempts) throw;
        } catch (const connection_lost& e) {
            lost = e.what();
        }
        if (!lost.empty()) {
            throw failure(code::unavailable, "COMMIT_UNKNOWN",
                          fmt::format("it is not known whether statement {} took effect: {}", s.name, lost));
        }
        lease.end();
        co_await clock.sleep_for(retry_delay(tries));
    }
}

}  // namespace

task<rows> database::query(statement s, params p) {
    auto self = impl_;
    pool& here = self->here(co_await asio::this_coro::executor);
    co_return co_await run_alone(here, self->shared->clock, nullptr, s, std::move(p));
}

task<rows> database::query_as(storage::identity who, statement s, params p) {
    auto self = impl_;
    pool& here = self->here(co_await asio::this_coro::executor);
    co_return co_await run_alone(here, self->shared->clock, &who, s, std::move(p));
}

task<void> database::listen(std::vector<std::string> channels, std::function<void(std::string_view, std::string_view)> on_notify) {
    auto shared = impl_->shared;
    co_await listen_forever(std::move(shared), std::move(channels), std::move(on_notify));
}

task<void> database::close() {
    auto self = impl_;
    co_await self->here(co_await asio::this_coro::executor).close();
}

task<rows> transaction::query(statement s, params p) { return connection_.query(s, std::move(p)); }
void transaction::send(statement s, params p) { connection_.send(s, p); }
task<void> transaction::execute(std::string sql) { return connection_.execute(std::move(sql)); }

}  // namespace bv::pg
