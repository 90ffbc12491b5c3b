#include "platform/events/kafka/group_consumer.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/events/kafka/record.hpp"
#include "platform/events/registry/wire_format.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events::kafka {
namespace {

constexpr milliseconds idle_check{200};  // at most this long until a wake that was missed for any reason is made up for
constexpr milliseconds store_retry{200};
// librdkafka begins to fetch a partition that was paused up to a second after it is resumed: so one is paused when it has had no room
// for as long.
constexpr milliseconds pause_after{1'000};
constexpr milliseconds schema_retry{1'000};
constexpr milliseconds ending_patience{5'000};
constexpr int most_at_once = 512;        // records, before others have their turn on this thread

properties consumer_properties(const std::string& group, milliseconds session_timeout) {
    return {{"group.id", group},
            {"enable.auto.commit", "false"},
            {"enable.auto.offset.store", "false"},
            {"auto.offset.reset", "earliest"},  // what was applied is passed over by its position
            {"partition.assignment.strategy", "cooperative-sticky"},
            {"session.timeout.ms", std::to_string(session_timeout.count())},
            {"heartbeat.interval.ms", std::to_string(std::max<milliseconds::rep>(100, session_timeout.count() / 6))},
            {"queued.max.messages.kbytes", "16384"},  // of all partitions; how many is left as it is: at its limit fetching stands for a second
            {"fetch.wait.max.ms", "500"},
            {"fetch.error.backoff.ms", "100"},
            {"topic.metadata.refresh.interval.ms", "10000"}};  // how soon a topic that was made anew is read
}

}  // namespace

group_consumer::group_consumer(connection c, std::string group, milliseconds session_timeout, std::vector<group_source> sources,
                               registry::registrar* schemas, asio::any_io_executor executor, clock& time, rng& random)
    : connection_(std::move(c)), group_(std::move(group)), session_timeout_(session_timeout), sources_(std::move(sources)), schemas_(schemas),
      executor_(std::move(executor)), clock_(time), rng_(random), work_(std::make_shared<signal>(executor_, clock_)), watching_("kafka." + group_) {
    for (auto& s : sources_) s.feed->attach_consumer(work_);
}

group_consumer::~group_consumer() = default;

void group_consumer::halt() noexcept {
    halted_ = true;
    work_->notify();
}

// Called by polls of this thread, and by the one that leaves the group.
void group_consumer::set_up(rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_rebalance_cb(conf, [](rd_kafka_t*, rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t* some, void* self) {
        static_cast<group_consumer*>(self)->rebalance(e, some);
    });
}

task<void> group_consumer::run() {
    client_ = make_client(RD_KAFKA_CONSUMER, connection_, consumer_properties(group_, session_timeout_), &set_up, this);
    rd_kafka_poll_set_consumer(client_.get());
    std::optional<watched> watch(std::in_place, executor_, watching_, queue(rd_kafka_queue_get_consumer(client_.get())), work_);
    auto topics = make_partitions(static_cast<int>(sources_.size()));
    for (const auto& s : sources_) rd_kafka_topic_partition_list_add(topics.get(), s.topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (const auto e = rd_kafka_subscribe(client_.get(), topics.get())) telemetry::error("kafka.subscribe_failed", {{"group", group_}, {"reason", rd_kafka_err2str(e)}});
    while (!halted_) {
        std::optional<error> broken;
        try {
            co_await once();
        } catch (...) {
            broken = current_error();
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) break;
        if (!broken) continue;
        telemetry::warn("kafka.consumer_waits", {{"group", group_}, {"reason", broken->reason}, {"message", broken->message}});
        co_await work_->wait_for(store_retry);
    }
    watch.reset();  // the queue goes before its client
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());  // also one that is cancelled leaves
    co_await leave();
}

task<void> group_consumer::once() {
    if (pending_) co_await adopt();
    resume();
    if (!wanted_.empty() && clock_.steady_now() >= find_at_) co_await find_schemas();
    if (!crowded_.empty()) {
        const auto left = crowded_since_ + pause_after - clock_.steady_now();
        if (left.count() > 0) co_return co_await work_->wait_for(left);
        pause_crowded();
    }
    if (poll()) co_await asio::post(executor_, asio::use_awaitable);
    else co_await work_->wait_for(idle_check);
}

// True when there may be more.
bool group_consumer::poll() {
    bool more = true;
    for (int n = 0; n < most_at_once && more && crowded_.empty(); ++n) {
        const message m(rd_kafka_consumer_poll(client_.get(), 0));
        more = m != nullptr;
        if (!m) break;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) take(*m);
        else if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) telemetry::warn("kafka.consumer_error", {{"group", group_}, {"code", rd_kafka_err2name(m->err)}, {"message", rd_kafka_message_errstr(m.get())}});
    }
    for (const auto& s : sources_) s.feed->announce();
    return more;
}

void group_consumer::take(const rd_kafka_message_t& m) {
    auto* source = of(rd_kafka_topic_name(m.rkt));
    if (!source) return;
    auto& at = reading_[{source->topic, m.partition}];
    // Nothing in these topics is compacted or transactional, so offsets have no gaps, but for what retention removed.
    if (m.offset > at.next && at.next > 0) {
        if (std::exchange(at.sought, at.next) != at.next) return read_from(source->topic, m.partition, at.next);
        telemetry::error("kafka.records_gone", {{"group", group_}, {"topic", source->topic}, {"partition", m.partition}, {"from_offset", at.next}, {"to_offset", m.offset}});
        telemetry::count("bv_kafka_records_gone_total", "Records that retention removed before the group read them", {{"group", group_}, {"source", source->feed->source()}})
            .add(static_cast<std::uint64_t>(m.offset - at.next));
    }
    std::int32_t unknown = 0;
    auto decoded = read(m, unknown);
    if (unknown != 0) return wait_for_schema(*source, m.partition, m.offset, unknown);
    at.next = m.offset + 1;
    auto e = std::make_shared<event>();
    std::int64_t position = 0;
    if (!decoded) {
        e->position = -((std::int64_t{m.partition} << 48) | m.offset) - 1;  // of its own: positions of events are positive
        e->source = source->feed->source();
        e->type = undecodable_type;
        e->id = uuid::v7(clock_, rng_);
        e->time = clock_.now();
        if (m.payload) e->payload.assign(static_cast<const char*>(m.payload), m.len);
    } else {
        position = decoded->position;
        if (decoded->type == marker_type) e = nullptr;
        else *e = std::move(*decoded);
    }
    switch (source->feed->arrive(m.partition, m.offset, position, std::move(e))) {
        case arrival::taken:
        case arrival::not_ours: break;
        case arrival::full:
            if (crowded_.empty()) crowded_since_ = clock_.steady_now();
            crowded_.emplace(source->topic, m.partition);
            break;
        case arrival::other_topic:
            telemetry::warn("kafka.topic_made_anew", {{"group", group_}, {"topic", source->topic}, {"partition", m.partition}});
            read_from(source->topic, m.partition, 0);
            break;
    }
}

// Its payload without what a schema registry's client puts before it, once that says the same as the headers. A topic may have been
// written before the registry was there.
result<event> group_consumer::read(const rd_kafka_message_t& m, std::int32_t& unknown_schema) const {
    auto out = decode(m);
    if (!out || !registry::is_framed(out->payload)) return out;
    const auto framed = registry::unframe(out->payload);
    if (!framed) return std::unexpected(framed.error());
    switch (schemas_ ? schemas_->fits(framed->schema, framed->message, out->type) : registry::fit::yes) {
        case registry::fit::yes: break;
        case registry::fit::no: return undecodable("its schema is not that of its ce_type");
        case registry::fit::unknown: unknown_schema = framed->schema; break;
    }
    out->payload.erase(0, out->payload.size() - framed->payload.size());
    return out;
}

// Comes again once it is found; other partitions go on.
void group_consumer::wait_for_schema(const group_source& s, std::int32_t partition, std::int64_t offset, std::int32_t schema) {
    wanted_[{s.topic, partition}] = schema;
    set_paused(s, partition, true);
    read_from(s.topic, partition, offset);
}

task<void> group_consumer::find_schemas() {
    const auto wanted = wanted_;
    for (const auto& [at, schema] : wanted) {
        std::optional<error> away;
        try {
            co_await schemas_->resolve(schema);
        } catch (const failure& f) {
            away = f.error();
        }
        if (away) {
            telemetry::warn("kafka.schema_waits", {{"group", group_}, {"topic", at.first}, {"partition", at.second}, {"schema", schema}, {"message", away->message}});
            find_at_ = clock_.steady_now() + schema_retry;
            co_return;
        }
        if (wanted_.erase(at) == 0) continue;  // taken away meanwhile
        if (const auto* s = of(at.first)) set_paused(*s, at.second, false);
    }
}

// Waits until the seek holds, which is a matter of this process: nothing that was fetched before comes after it.
void group_consumer::read_from(const std::string& topic, std::int32_t partition, std::int64_t offset) {
    constexpr int patience_ms = 1'000;
    auto there = make_partitions(1);
    rd_kafka_topic_partition_list_add(there.get(), topic.c_str(), partition)->offset = offset;
    reading_[{topic, partition}].next = offset;
    const client_error e(rd_kafka_seek_partitions(client_.get(), there.get(), patience_ms));
    if (e) telemetry::warn("kafka.seek_failed", {{"group", group_}, {"message", rd_kafka_error_string(e.get())}});
}

void group_consumer::set_paused(const group_source& s, std::int32_t partition, bool paused) {
    auto some = make_partitions(1);
    rd_kafka_topic_partition_list_add(some.get(), s.topic.c_str(), partition);
    (void)(paused ? rd_kafka_pause_partitions(client_.get(), some.get()) : rd_kafka_resume_partitions(client_.get(), some.get()));
}

void group_consumer::pause_crowded() {
    for (const auto& [topic, partition] : crowded_)
        if (const auto* source = of(topic)) set_paused(*source, partition, true);
    crowded_.clear();
}

void group_consumer::resume() {
    const auto let_go_on = [this](const group_source& s, std::int32_t partition) {
        if (crowded_.erase({s.topic, partition}) == 0) set_paused(s, partition, false);
    };
    for (const auto& s : sources_)
        for (const auto partition : s.feed->resumable()) let_go_on(s, partition);
    for (const auto& s : sources_)
        for (const auto& [partition, offset] : s.feed->to_read_again()) {
            let_go_on(s, partition);
            read_from(s.topic, partition, offset);
        }
}

group_source* group_consumer::of(std::string_view topic) {
    const auto it = std::ranges::find(sources_, topic, &group_source::topic);
    return it == sources_.end() ? nullptr : &*it;
}

void group_consumer::rebalance(rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t* some) {
    telemetry::count("bv_kafka_rebalances_total", "Partitions given to or taken from this instance", {{"group", group_}}).add();
    if (e == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !halted_) {
        // Begun when their positions are read.
        pending_.reset(rd_kafka_topic_partition_list_copy(some));
    } else if (e == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && !pending_) {
        revoke(some);
    } else {
        pending_.reset();
        rd_kafka_assign(client_.get(), nullptr);
    }
}

// At once: a transaction that is under way with what was taken from us either commits before the next owner's, or not at all.
void group_consumer::revoke(const rd_kafka_topic_partition_list_t* some) {
    for (int i = 0; i < some->cnt; ++i) {
        const auto& p = some->elems[i];
        if (auto* source = of(p.topic)) source->feed->revoke(p.partition);
        reading_.erase({p.topic, p.partition});
        crowded_.erase({p.topic, p.partition});
        wanted_.erase({p.topic, p.partition});
    }
    const client_error e(rd_kafka_incremental_unassign(client_.get(), some));
    if (e) telemetry::warn("kafka.unassign_failed", {{"group", group_}, {"message", rd_kafka_error_string(e.get())}});
    telemetry::info("kafka.partitions_given_up", {{"group", group_}, {"partitions", some->cnt}});
}

// Begins what the group gave us, one record before where its store says: by it a topic that was made anew is recognised.
task<void> group_consumer::adopt() {
    std::map<place, partition_position> stored;
    for (const auto& s : sources_)
        for (const auto& p : co_await s.stored()) stored[{s.topic, p.partition}] = p;
    // Nothing is polled between: what is pending is so still.
    const auto all = std::move(pending_);
    for (int i = 0; all && i < all->cnt; ++i) {
        auto& p = all->elems[i];
        auto* source = of(p.topic);
        const auto at = stored.find({p.topic, p.partition});
        if (!source || at == stored.end()) continue;
        const auto from = std::max<std::int64_t>(0, at->second.next_offset - 1);
        p.offset = from == 0 ? RD_KAFKA_OFFSET_BEGINNING : from;
        reading_[{p.topic, p.partition}] = {.next = from};
        source->feed->assign(at->second);
    }
    const client_error e(rd_kafka_incremental_assign(client_.get(), all.get()));
    if (e) telemetry::warn("kafka.assign_failed", {{"group", group_}, {"message", rd_kafka_error_string(e.get())}});
    telemetry::info("kafka.partitions_taken_over", {{"group", group_}, {"partitions", all->cnt}});
}

namespace {

// The end of a client, on a thread of its own. One that is not over when it is let go is left to the process's end.
struct ending {
    std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<waiter> closed = waiter::make();
    bool calls_back = true;  // until it is closed
    std::thread thread;

    explicit ending(client& c) : thread(&ending::run, &c, closed, over) {}
    ending(const ending&) = delete;
    ending& operator=(const ending&) = delete;
    ~ending() {
        if (calls_back || over->load()) thread.join();
        else thread.detach();
    }

    static void run(client* c, const std::shared_ptr<waiter>& closed, const std::shared_ptr<std::atomic<bool>>& over) {
        rd_kafka_consumer_close(c->get());  // partitions are given back by it
        auto own = std::move(*c);
        closed->wake();
        own.reset();
        over->store(true);
    }
};

}  // namespace

// Waits for the broker's answer, so on a thread of its own; the others rebalance at once instead of after the session's end.
task<void> group_consumer::leave() {
    ending e(client_);
    co_await e.closed->wait([] {});
    e.calls_back = false;
    for (const auto until = clock_.steady_now() + ending_patience; !e.over->load() && clock_.steady_now() < until;) co_await clock_.sleep_for(milliseconds(10));
    if (!e.over->load())
        telemetry::warn("kafka.client_left_behind", {{"group", group_}, {"message", "the group is left, but librdkafka's threads do not end, as happens once a topic was made anew; they end with the process"}});
}

}  // namespace bv::events::kafka
