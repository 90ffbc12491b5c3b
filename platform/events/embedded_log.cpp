#include "platform/events/embedded_log.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/events/consumer_loop.hpp"
#include "platform/events/names.hpp"
#include "platform/events/observer_loop.hpp"
#include "platform/events/pg_log_storage.hpp"
#include "platform/events/retention.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::events {

struct embedded_log::impl {
    const std::vector<asio::any_io_executor> cores;
    const std::unique_ptr<log_storage> storage;
    const embedded_log_options options;
    clock& time;
    rng& random;
    scope tasks{"events"};
    scope grace{"events.stop"};
    scope ringing{"events.bell"};
    std::vector<subscription> subscriptions;
    std::map<std::string, std::shared_ptr<source_tail>> tails;
    std::vector<observer> observers;
    std::vector<std::unique_ptr<consumer_loop>> loops;
    std::vector<std::unique_ptr<storage::leased_job>> turns;  // of those loops that take turns with other processes
    std::vector<std::unique_ptr<observer_loop>> watching;
    std::unique_ptr<tailer> tail;
    std::unique_ptr<retention> pruner;
    std::atomic<tailer*> awake{nullptr};  // set while it runs
    std::atomic<std::size_t> readers{0};  // observers, and loops that are at work and do not wait for their turn

    impl(std::vector<asio::any_io_executor> executors, std::unique_ptr<log_storage> s, embedded_log_options o, clock& c, rng& g)
        : cores(std::move(executors)), storage(std::move(s)), options(o), time(c), random(g) {}

    std::vector<std::string> sources() const {
        std::set<std::string> out;
        for (const auto& s : subscriptions) out.insert(s.source);
        for (const auto& o : observers) out.insert(o.source);
        return {out.begin(), out.end()};
    }
    const asio::any_io_executor& core(std::size_t i) const { return cores[i % cores.size()]; }
    void build();
    void spawn_loop(consumer_loop&, const asio::any_io_executor&);
    static task<void> take_turn(impl*, consumer_loop*, const storage::tenure*);
};

void embedded_log::impl::build() {
    std::vector<std::shared_ptr<source_tail>> all;
    for (const auto& name : sources()) all.push_back(tails[name] = std::make_shared<source_tail>(name, options.ring));
    std::size_t next = 0;
    for (const auto& s : subscriptions)
        loops.push_back(std::make_unique<consumer_loop>(s, std::make_shared<tail_supply>(tails.at(s.source), storage->outboxes()),
                                                        storage->positions(s.group, s.source, s.consumer), core(next++), time, random));
    for (const auto& o : observers) watching.push_back(std::make_unique<observer_loop>(o, tails.at(o.source), core(next++), time));
    tail = std::make_unique<tailer>(storage->outboxes(), all, core(0), time, options.tail, [this] { return readers > 0; });
    readers = observers.size();
    pruner = std::make_unique<retention>(storage->outboxes(), subscriptions, sources(), options.retention, options.retention_interval, core(0), time, storage->leases());
}

task<void> embedded_log::impl::take_turn(impl* self, consumer_loop* loop, const storage::tenure* under) {
    struct reading {
        std::atomic<std::size_t>& readers;
        ~reading() { --readers; }
    } const counted{self->readers};
    ++self->readers;
    self->tail->wake();
    co_await loop->run(under);
}

void embedded_log::impl::spawn_loop(consumer_loop& loop, const asio::any_io_executor& home) {
    const auto& s = loop.what();
    if (!s.leases) {
        ++readers;
        return tasks.spawn(home, loop.run());
    }
    auto terms = named(fmt::format("events:{}:{}", s.group, s.source), options.leases);
    terms.while_waiting = [&loop] { return loop.follow(); };
    auto& turn = turns.emplace_back(std::make_unique<storage::leased_job>(*s.leases, std::move(terms), [this, &loop](const storage::tenure& t) { return take_turn(this, &loop, &t); },
                                                                         home, time, random));
    tasks.spawn(home, turn->run());
}

namespace {
std::vector<asio::any_io_executor> executors_of(runtime& r) {
    std::vector<asio::any_io_executor> out;
    for (std::size_t i = 0; i < r.cores(); ++i) out.emplace_back(r.context(i).get_executor());
    return out;
}
}  // namespace

embedded_log::embedded_log(runtime& r, pg::database& reader, embedded_log_options o, clock& c, rng& g)
    : embedded_log(executors_of(r), std::make_unique<pg_log_storage>(reader), o, c, g) {}

embedded_log::embedded_log(std::vector<asio::any_io_executor> cores, std::unique_ptr<log_storage> s, embedded_log_options o, clock& c, rng& g)
    : impl_(std::make_unique<impl>(std::move(cores), std::move(s), o, c, g)) {}

embedded_log::~embedded_log() = default;

void embedded_log::subscribe(subscription s) {
    BV_ASSERT(!impl_->tail);
    check_subscription(s, impl_->subscriptions);
    impl_->subscriptions.push_back(std::move(s));
}

void embedded_log::observe(observer o) {
    BV_ASSERT(!impl_->tail);
    check_observer(o);
    impl_->observers.push_back(std::move(o));
}

task<void> embedded_log::start() {
    BV_ASSERT(!impl_->tail);
    impl_->build();
    if (impl_->tails.empty()) co_return;
    impl_->awake = impl_->tail.get();
    impl_->tasks.spawn(impl_->core(0), impl_->tail->run());
    impl_->tail->spawn_bell(impl_->ringing, impl_->core(0));
    impl_->tasks.spawn(impl_->core(0), impl_->pruner->run());
    std::size_t next = 0;
    for (const auto& loop : impl_->loops) impl_->spawn_loop(*loop, impl_->core(next++));
    for (const auto& watch : impl_->watching) impl_->tasks.spawn(impl_->core(next++), watch->run());
}

namespace {
task<void> cancel_after(scope& tasks, clock& time, milliseconds grace) {
    co_await time.sleep_for(grace);
    tasks.stop();
}
}  // namespace

task<void> embedded_log::stop() {
    if (!impl_->tail) co_return;
    impl_->awake = nullptr;
    impl_->tail->halt();
    impl_->pruner->halt();
    for (const auto& loop : impl_->loops) loop->halt();
    for (const auto& turn : impl_->turns) turn->halt();
    for (const auto& watch : impl_->watching) watch->halt();
    impl_->grace.spawn(impl_->core(0), cancel_after(impl_->tasks, impl_->time, impl_->options.stop_grace));
    co_await impl_->tasks.join();
    impl_->ringing.stop();
    co_await impl_->ringing.join();
    impl_->grace.stop();
    co_await impl_->grace.join();
}

std::vector<subscription_status> embedded_log::status() const {
    std::vector<subscription_status> out;
    for (const auto& loop : impl_->loops) out.push_back(loop->status());
    return out;
}

std::optional<held_delivery> embedded_log::held() const { return impl_->tail ? impl_->tail->held() : std::nullopt; }

void embedded_log::wake() noexcept {
    if (auto* running = impl_->awake.load()) running->appended();
}

std::span<const subscription> embedded_log::subscriptions() const { return impl_->subscriptions; }

void embedded_log::look_again(const std::string& group) {
    for (const auto& loop : impl_->loops)
        if (loop->what().group == group) loop->refresh();
}

dead_letters embedded_log::letters() {
    return dead_letters(impl_->subscriptions, *impl_->storage, [this](const std::string& group) { look_again(group); });
}

task<std::int64_t> embedded_log::prune() {
    BV_ASSERT(impl_->pruner);
    return impl_->pruner->once();
}

}  // namespace bv::events
