#include "platform/events/kafka/kafka_log.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/events/consumer_loop.hpp"
#include "platform/events/kafka/dead_letter_teller.hpp"
#include "platform/events/kafka/group_consumer.hpp"
#include "platform/events/kafka/partitioned_storage.hpp"
#include "platform/events/kafka/record.hpp"
#include "platform/events/kafka/relay.hpp"
#include "platform/events/kafka/topics.hpp"
#include "platform/events/names.hpp"
#include "platform/events/observer_loop.hpp"
#include "platform/events/retention.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/leased_job.hpp"
#include "platform/storage/postgres/lease_store.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::events::kafka {
namespace {

constexpr pg::statement read_progress{"events.progress", "SELECT heads, passed FROM platform.event_progress($1, $2, $3)"};
constexpr milliseconds ready_check{500};
constexpr milliseconds registry_check{3'000};
constexpr milliseconds relays_notice{2'000};  // that they were set back, unless their process stands still

// A record that is no event fails until it is a dead letter.
task<void> apply_decoded(std::shared_ptr<const batch_handler> handler, storage::unit_of_work* uow, std::span<const event> batch) {
    if (std::ranges::any_of(batch, [](const event& e) { return e.type == undecodable_type; }))
        throw failure(code::invalid_argument, "UNDECODABLE_RECORD", "the record is no event of this platform: ce_ headers are missing or wrong. Discard it");
    co_await (*handler)(*uow, batch);
}

task<std::vector<partition_position>> read_in(std::shared_ptr<pg_partition_store> store, storage::unit_of_work* uow) { co_return co_await store->read(*uow); }

task<std::vector<partition_position>> read_stored(const subscription* sub, std::shared_ptr<pg_partition_store> store) {
    storage::transaction_options o;
    o.identity = storage::system_identity("service:" + sub->consumer);
    auto work = [store](storage::unit_of_work& uow) { return read_in(store, &uow); };
    co_return co_await sub->store->transact(std::move(o), work);
}

task<void> cancel_after(scope& tasks, clock& time, milliseconds grace) {
    co_await time.sleep_for(grace);
    tasks.stop();
}

// One source's relay and the turn that it waits for.
struct relaying {
    std::unique_ptr<relay> sends;
    std::unique_ptr<storage::leased_job> turn;
};

}  // namespace

struct kafka_log::impl {
    bv::runtime& threads;
    pg::database& reader;
    const kafka_log_options options;
    clock& time;
    rng& random;
    partitioned_storage storage;
    pg::lease_store leases;
    relay_store relays_at;
    std::unique_ptr<registry::registrar> schemas;
    scope tasks{"events"};
    scope grace{"events.stop"};
    scope ringing{"events.bell"};
    std::vector<subscription> subscriptions;
    std::vector<observer> observers;
    std::map<std::string, std::shared_ptr<source_tail>> tails;  // of what is relayed and observed
    std::unique_ptr<tailer> tail;
    std::unique_ptr<retention> pruner;
    std::vector<std::unique_ptr<consumer_loop>> loops;
    std::vector<std::unique_ptr<group_consumer>> consumers;
    std::vector<std::unique_ptr<observer_loop>> watching;
    std::vector<relaying> relays;
    std::unique_ptr<dead_letter_teller> teller;
    std::unique_ptr<topic_keeper> keeper;
    std::shared_ptr<signal> changed, asking;
    std::atomic<tailer*> awake{nullptr};  // set while it runs
    std::atomic<std::size_t> readers{0};  // of the tails: observers, and relays whose turn it is
    std::atomic<bool> halted{false};
    mutable std::mutex mutex;
    std::vector<std::int64_t> heads, passed;  // of the subscriptions

    impl(bv::runtime& r, pg::database& d, kafka_log_options o, clock& c, rng& g)
        : threads(r), reader(d), options(std::move(o)), time(c), random(g), storage(d, options.partitions), leases(d, "platform"), relays_at(d) {
        if (options.registry) schemas = std::make_unique<registry::registrar>(registry::registrar_options{*options.registry, options.prefix}, d, c);
    }

    asio::any_io_executor core(std::size_t i) { return threads.context(i % threads.cores()).get_executor(); }
    std::string topic_of(const std::string& source) const { return options.prefix + source; }
    std::string dead_topic_of(const std::string& source) const { return topic_of(source) + ".dead-letters"; }
    std::set<std::string> sources() const;
    std::vector<topic> topics() const;
    void build();
    void build_relays();
    void build_tails();
    void build_teller();
    task<void> watch_registry();
    task<void> keep_topics();
    task<void> make_anew(std::vector<std::string> lost);
    void begin();
    static task<void> take_turn(impl*, relay*, std::int64_t fence);
    task<void> watch_progress();
    task<void> progress();
    void halt();
};

std::set<std::string> kafka_log::impl::sources() const {
    std::set<std::string> out(options.relays.begin(), options.relays.end());
    for (const auto& s : subscriptions) out.insert(s.source);
    return out;
}

std::vector<topic> kafka_log::impl::topics() const {
    std::vector<topic> out;
    for (const auto& s : sources()) {
        out.push_back({topic_of(s), options.partitions, options.replication, options.topic_retention, "kafka.retention", true});
        out.push_back({dead_topic_of(s), options.partitions, options.replication, options.dead_letter_retention, "kafka.dead_letter_retention"});
    }
    return out;
}

void kafka_log::impl::build() {
    changed = std::make_shared<signal>(core(0), time);
    asking = std::make_shared<signal>(core(0), time);
    keeper = std::make_unique<topic_keeper>(options.brokers, topics(), [wakes = changed] { wakes->notify(); });
    const auto all_sources = sources();
    pruner = std::make_unique<retention>(storage.outboxes(), subscriptions, std::vector<std::string>(all_sources.begin(), all_sources.end()), options.retention, options.retention_interval, core(0), time,
                                         &leases);
    build_tails();
    build_relays();
    std::map<std::string, std::vector<group_source>> groups;
    std::size_t next = 0;
    for (const auto& s : subscriptions) {
        auto feed = std::make_shared<partition_feed>(s.source, options.feed);
        auto positions = std::make_shared<pg_partition_store>(s.group, s.source, s.consumer, options.partitions, feed);
        groups[s.group].push_back({topic_of(s.source), feed, [sub = &s, positions] { return read_stored(sub, positions); }});
        loops.push_back(std::make_unique<consumer_loop>(s, feed, std::make_unique<pg_partition_store>(s.group, s.source, s.consumer, options.partitions, feed),
                                                        core(next++), time, random));
    }
    next = 0;
    for (auto& [group, all] : groups)
        consumers.push_back(std::make_unique<group_consumer>(options.brokers, options.prefix + group, options.session_timeout, std::move(all), schemas.get(), core(next++), time, random));
    build_teller();
}

void kafka_log::impl::build_teller() {
    if (subscriptions.empty()) return;
    std::vector<told_group> told;
    for (std::size_t n = 0; n < subscriptions.size(); ++n) {
        const auto& s = subscriptions[n];
        told.push_back({&s, topic_of(s.source), dead_topic_of(s.source), [loop = loops[n].get()] { return loop->status().dead_letters; }});
    }
    teller = std::make_unique<dead_letter_teller>(options.brokers, std::move(told), leases, options.leases, schemas.get(), core(0), time);
}

void kafka_log::impl::build_relays() {
    std::size_t next = 0;
    for (const auto& source : options.relays) {
        const auto& its_tail = tails.at(source);
        relay_options o{.source = source, .topic = topic_of(source), .partitions = options.partitions};
        if (const auto known = options.services.find(source); known != options.services.end()) o.service = known->second;
        if (const auto known = options.types.find(source); known != options.types.end()) o.types = known->second;
        auto sends = std::make_unique<relay>(options.brokers, std::move(o), its_tail, storage.outboxes(), relays_at, schemas.get(), core(next), time);
        auto terms = storage::named("relay:" + source, options.leases);
        auto turn = std::make_unique<storage::leased_job>(leases, std::move(terms), [this, r = sends.get()](const storage::tenure& t) { return take_turn(this, r, t.fence()); }, core(next), time, random);
        relays.push_back({std::move(sends), std::move(turn)});
        ++next;
    }
}

void kafka_log::impl::build_tails() {
    std::set<std::string> wanted(options.relays.begin(), options.relays.end());
    for (const auto& o : observers) wanted.insert(o.source);
    std::vector<std::shared_ptr<source_tail>> all;
    for (const auto& source : wanted) all.push_back(tails[source] = std::make_shared<source_tail>(source, options.ring));
    std::size_t next = 0;
    for (const auto& o : observers) watching.push_back(std::make_unique<observer_loop>(o, tails.at(o.source), core(next++), time));
    if (!all.empty()) tail = std::make_unique<tailer>(storage.outboxes(), all, core(0), time, options.tail, [this] { return readers > 0; });
    readers = observers.size();
}

task<void> kafka_log::impl::take_turn(impl* self, relay* sends, std::int64_t fence) {
    struct reading {
        std::atomic<std::size_t>& readers;
        ~reading() { --readers; }
    } const counted{self->readers};
    ++self->readers;
    self->tail->wake();
    co_await sends->run(fence);
}

// Nothing is sent or read before the topics are there.
task<void> kafka_log::impl::keep_topics() {
    for (bool begun = false; !halted;) {
        std::vector<std::string> lost;
        for (const auto& source : sources())
            if (keeper->is_awaited(topic_of(source))) lost.push_back(source);
        if (!lost.empty()) co_await make_anew(std::move(lost));
        if (!halted && !begun && keeper->ready()) begun = true, begin();
        if (!halted) co_await changed->wait_for(ready_check);
    }
}

// A topic is made only after its relay, in whatever process, was set back: it could send into the empty one what is new, and groups would
// take what comes before that, and follows, for sent twice.
task<void> kafka_log::impl::make_anew(std::vector<std::string> lost) {
    try {
        bool was_sent = false;
        for (const auto& source : lost) was_sent = co_await relays_at.rewind(source) || was_sent;
        if (was_sent) co_await time.sleep_for(relays_notice);
        for (const auto& source : lost) keeper->make(topic_of(source));
    } catch (const failure&) {
        // The database is away, which its own health says; it is tried again.
    }
}

void kafka_log::impl::begin() {
    std::size_t next = 0;
    for (const auto& r : relays) tasks.spawn(core(next++), r.turn->run());
    next = 0;
    for (const auto& c : consumers) tasks.spawn(core(next++), c->run());
    if (teller) tasks.spawn(core(0), teller->run());
}

task<void> kafka_log::impl::watch_registry() {
    while (!halted) {
        co_await schemas->look();
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) co_return;
        if (!halted) co_await asking->wait_for(registry_check);
    }
}

task<void> kafka_log::impl::watch_progress() {
    const auto look_again = std::make_shared<signal>(core(0), time);
    while (!halted) {
        try {
            co_await progress();
        } catch (const failure&) {
            // The database's own health says so; what was seen last stands.
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) co_return;
        co_await look_again->wait_for(options.progress_interval);
    }
}

task<void> kafka_log::impl::progress() {
    std::vector<std::string> groups, from, consumers_of;
    for (const auto& s : subscriptions) {
        groups.push_back(s.group);
        from.push_back(s.source);
        consumers_of.push_back(s.consumer);
    }
    const auto found = co_await reader.query(read_progress, pg::params(groups, from, consumers_of));
    auto now = found.front().get<std::vector<std::int64_t>>(1);
    const std::lock_guard hold(mutex);
    for (std::size_t n = 0; n < passed.size(); ++n)
        if (now[n] < passed[n]) loops[n]->refresh();  // it was rewound, by whom ever
    heads = found.front().get<std::vector<std::int64_t>>(0);
    passed = std::move(now);
}

void kafka_log::impl::halt() {
    halted = true;
    awake = nullptr;
    keeper->stop();
    if (tail) tail->halt();
    pruner->halt();
    for (const auto& loop : loops) loop->halt();
    for (const auto& r : relays) r.sends->halt(), r.turn->halt();
    for (const auto& c : consumers) c->halt();
    for (const auto& w : watching) w->halt();
    if (teller) teller->halt();
    changed->notify();
    asking->notify();
}

kafka_log::kafka_log(runtime& r, pg::database& reader, kafka_log_options o, clock& c, rng& g) : impl_(std::make_unique<impl>(r, reader, std::move(o), c, g)) {
    for (const auto& source : impl_->options.relays) check_service_name(source);
    (void)make_client(RD_KAFKA_PRODUCER, impl_->options.brokers, {});  // a property that is wrong is told before anything starts
}

kafka_log::~kafka_log() = default;

void kafka_log::subscribe(subscription s) {
    BV_ASSERT(!impl_->keeper);
    check_subscription(s, impl_->subscriptions);
    s.handler = [handler = std::make_shared<const batch_handler>(std::move(s.handler))](storage::unit_of_work& uow, std::span<const event> batch) {
        return apply_decoded(handler, &uow, batch);
    };
    impl_->subscriptions.push_back(std::move(s));
}

void kafka_log::observe(observer o) {
    BV_ASSERT(!impl_->keeper);
    check_observer(o);
    impl_->observers.push_back(std::move(o));
}

task<void> kafka_log::start() {
    auto& i = *impl_;
    BV_ASSERT(!i.keeper);
    i.build();
    if (!i.sources().empty()) i.keeper->start();
    i.awake = i.tail.get();
    if (i.tail) i.tasks.spawn(i.core(0), i.tail->run()), i.tail->spawn_bell(i.ringing, i.core(0));
    i.tasks.spawn(i.core(0), i.pruner->run());
    if (!i.subscriptions.empty()) i.tasks.spawn(i.core(0), i.watch_progress());
    if (i.schemas) i.tasks.spawn(i.core(0), i.watch_registry());
    std::size_t next = 0;
    for (const auto& loop : i.loops) i.tasks.spawn(i.core(next++), loop->run());
    for (const auto& w : i.watching) i.tasks.spawn(i.core(next++), w->run());
    if (!i.sources().empty()) i.tasks.spawn(i.core(0), i.keep_topics());
    co_return;
}

task<void> kafka_log::stop() {
    auto& i = *impl_;
    if (!i.keeper) co_return;
    i.halt();
    i.grace.spawn(i.core(0), cancel_after(i.tasks, i.time, i.options.stop_grace));
    co_await i.tasks.join();
    i.ringing.stop();
    co_await i.ringing.join();
    for (const auto& r : i.relays) co_await r.sends->stop();
    for (const auto& c : i.consumers) co_await c->stop();
    if (i.teller) co_await i.teller->stop();
    i.grace.stop();
    co_await i.grace.join();
}

std::vector<subscription_status> kafka_log::status() const {
    const auto& i = *impl_;
    std::vector<subscription_status> out;
    const std::lock_guard hold(i.mutex);
    for (std::size_t n = 0; n < i.loops.size(); ++n) {
        subscription_status one{i.subscriptions[n].group, i.subscriptions[n].source, 0, 0, 0, i.loops[n]->status().dead_letters};
        if (n < i.heads.size()) {
            one.head = i.heads[n];
            one.position = i.passed[n];
            one.lag = std::max<std::int64_t>(0, one.head - one.position);
        }
        out.push_back(std::move(one));
    }
    return out;
}

std::optional<held_delivery> kafka_log::held() const { return impl_->tail ? impl_->tail->held() : std::nullopt; }

void kafka_log::wake() noexcept {
    if (auto* running = impl_->awake.load()) running->appended();
}

std::span<const subscription> kafka_log::subscriptions() const { return impl_->subscriptions; }

void kafka_log::look_again(const std::string& group) {
    for (const auto& loop : impl_->loops)
        if (loop->what().group == group) loop->refresh();
}

dead_letters kafka_log::letters() {
    return dead_letters(impl_->subscriptions, impl_->storage, [this](const std::string& group) { look_again(group); });
}

std::string kafka_log::trouble() const {
    const auto& i = *impl_;
    if (!i.keeper || i.sources().empty()) return {};
    auto out = i.keeper->trouble();
    return out.empty() && i.schemas ? i.schemas->trouble() : out;
}

}  // namespace bv::events::kafka
