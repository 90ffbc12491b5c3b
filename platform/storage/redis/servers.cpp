#include "platform/storage/redis/servers.hpp"

#include <algorithm>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/resilience/retry.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::redis {
namespace {

constexpr milliseconds least_between_looks{100};
constexpr resilience::retry_policy looks{.attempts = 0, .first = milliseconds(50), .longest = milliseconds(1'000)};
constexpr std::size_t most_asked = 5;  // servers, in one look
constexpr int most_doublings = 16;

}  // namespace

servers::servers(std::shared_ptr<shared_state> s) : shared_(std::move(s)) {}

thread_links& servers::of_thread(const asio::any_io_executor& e) {
    const std::lock_guard hold(mutex_);
    return threads_[&asio::query(e, asio::execution::context)];  // a map's entries stay where they are
}

std::shared_ptr<server_state> servers::state_of(const address& a) {
    auto& s = states_[a];
    if (!s) s = std::make_shared<server_state>(a, shared_->clock);
    return s;
}

std::shared_ptr<link> servers::to(thread_links& mine, const asio::any_io_executor& e, const address& a) {
    if (const auto it = mine.find(a); it != mine.end()) return it->second;
    std::shared_ptr<server_state> state;
    {
        const std::lock_guard hold(mutex_);
        if (stopping_) return nullptr;
        state = state_of(a);
    }
    drop_strangers(mine);
    auto out = std::make_shared<link>(e, shared_, std::move(state));
    mine.emplace(a, out);
    jobs_.spawn(e, link::run(out));
    return out;
}

// Servers that have left the cluster. Called when another is met, which is when some may have.
void servers::drop_strangers(thread_links& mine) {
    const auto now = known();
    if (!now) return;
    const auto& seeds = shared_->options.endpoints;
    std::erase_if(mine, [&](const auto& entry) {
        if (now->knows(entry.first) || std::ranges::find(seeds, entry.first) != seeds.end()) return false;
        entry.second->give_up();
        return true;
    });
}

std::shared_ptr<const topology> servers::known() const {
    const std::lock_guard hold(mutex_);
    return topology_;
}

std::optional<address> servers::owner(std::optional<std::uint16_t> slot) {
    const auto now = known();
    if (!now) return std::nullopt;
    if (!slot) return now->masters()[shared_->rng.below(now->masters().size())];
    const auto* at = now->master_of(*slot);
    return at ? std::optional(*at) : std::nullopt;
}

void servers::look_again() {
    const std::lock_guard hold(mutex_);
    needed_ = true;
    if (need_) need_->wake();
}

task<void> servers::wait_for_need() {
    std::shared_ptr<waiter> need;
    {
        const std::lock_guard hold(mutex_);
        if (std::exchange(needed_, false)) co_return;
        need = need_ = waiter::make();
    }
    co_await need->wait();
    const std::lock_guard hold(mutex_);
    need_.reset();
    needed_ = false;
}

task<void> servers::first_look() {
    std::shared_ptr<waiter> w;
    {
        const std::lock_guard hold(mutex_);
        if (looked_) co_return;
        w = first_.emplace_back(waiter::make());
    }
    co_await w->wait();
}

void servers::looked() {
    const std::lock_guard hold(mutex_);
    looked_ = true;
    for (const auto& w : std::exchange(first_, {})) w->wake();
}

task<void> servers::follow(std::shared_ptr<servers> self) {
    auto& s = *self->shared_;
    for (int failures = 0;;) {
        const bool learnt = co_await self->learn();
        self->looked();
        failures = learnt ? 0 : std::min(failures + 1, most_doublings);
        if (learnt) co_await self->wait_for_need();
        // A cluster that is changing sends many elsewhere at once: one look is for all of them.
        co_await s.clock.sleep_for(least_between_looks + resilience::backoff(looks, std::max(1, failures), s.rng));
    }
}

task<void> servers::listen(std::shared_ptr<servers> self, std::shared_ptr<const listener> what) {
    auto& s = *self->shared_;
    const auto executor = co_await asio::this_coro::executor;
    for (;;) {
        if (const auto at = self->owner(std::nullopt)) {
            std::shared_ptr<server_state> state;
            {
                const std::lock_guard hold(self->mutex_);
                state = self->state_of(*at);
            }
            co_await link::serve_once(std::make_shared<link>(executor, self->shared_, std::move(state), what));
            self->look_again();
        }
        co_await s.clock.sleep_for(least_between_looks + resilience::backoff(looks, 1, s.rng));
    }
}

// Those that hold something now first, then where the client began.
std::vector<address> servers::candidates() {
    std::vector<address> out;
    if (const auto now = known()) out = now->masters();
    const auto shuffle = [this](auto first, auto last) {
        for (auto n = last - first; n > 1; --n) std::iter_swap(first + (n - 1), first + static_cast<std::ptrdiff_t>(shared_->rng.below(static_cast<std::uint64_t>(n))));
    };
    shuffle(out.begin(), out.end());
    const auto masters = static_cast<std::ptrdiff_t>(std::min(out.size(), most_asked));
    out.resize(static_cast<std::size_t>(masters));
    for (const auto& seed : shared_->options.endpoints)
        if (std::ranges::find(out, seed) == out.end()) out.push_back(seed);
    shuffle(out.begin() + masters, out.end());
    if (out.size() > 2 * most_asked) out.resize(2 * most_asked);
    return out;
}

task<bool> servers::learn() {
    for (const auto& one : candidates()) {
        auto found = co_await ask(one);
        if (!found) continue;
        const std::lock_guard hold(mutex_);
        topology_ = std::make_shared<const topology>(std::move(*found));
        co_return true;
    }
    co_return false;
}

task<std::optional<topology>> servers::ask(address a) {
    const auto executor = co_await asio::this_coro::executor;
    const auto l = to(of_thread(executor), executor, a);
    if (!l) co_return std::nullopt;
    auto sent = l->submit(command::of("CLUSTER", "SLOTS").encoded(), steady_point::max());
    if (!sent) co_return std::nullopt;
    const auto said = co_await link::wait(std::move(*sent));
    if (!said || said->error_code() == "NOAUTH") co_return std::nullopt;
    // "ERR This instance has cluster support disabled", or a server or account that has no such command.
    if (said->is_error() && redirection_of(*said, a).is == redirection::kind::none) co_return topology::single(a);
    co_return topology::of_cluster(*said, a);
}

task<void> servers::stop() {
    {
        const std::lock_guard hold(mutex_);
        stopping_ = true;
    }
    jobs_.stop();
    co_await jobs_.join();
}

std::string servers::trouble() const {
    const std::lock_guard hold(mutex_);
    if (!topology_) return "away; slower";
    std::size_t away = 0;
    const auto& masters = topology_->masters();
    for (const auto& m : masters) {
        const auto it = states_.find(m);
        // A server that nobody has asked anything yet is not in trouble.
        if (it != states_.end() && (it->second->told.load() || it->second->breaker.state() != resilience::circuit_state::closed)) ++away;
    }
    if (away == 0) return {};
    return masters.size() == 1 ? "away; slower" : fmt::format("{} of {} servers away; slower", away, masters.size());
}

}  // namespace bv::redis
