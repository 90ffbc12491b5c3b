#include "platform/events/kafka/relay.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/events/kafka/record.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::events::kafka {
namespace {

constexpr std::int32_t fetch_rows = 512;
constexpr milliseconds idle_check{1'000};   // at most this long until a wake that was missed for any reason is made up for
constexpr seconds schema_check{2};          // until a schema that was refused, or a registry that is away, is asked for again
constexpr seconds ownership_check{5};       // a relay that has nothing to do notices so that it was replaced, or set back

const properties& producer_properties() {
    static const properties all{{"enable.idempotence", "true"},
                                {"acks", "all"},
                                {"enable.gapless.guarantee", "true"},  // fails rather than leave one out
                                {"message.timeout.ms", "0"},           // a broker that is away is waited for
                                {"message.max.bytes", "16777216"},
                                {"queue.buffering.max.messages", "20000"},
                                {"linger.ms", "1"}};
    return all;
}

}  // namespace

struct relay::session {
    struct sent_record {
        std::int64_t position;
        telemetry::span span{};
        bool done = false;
    };

    session() = default;
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session() {
        for (auto& r : in_flight) r.span.fail("not acknowledged: it is sent again");
    }

    std::int64_t fence = 0;
    std::int64_t noted = 0;          // position
    std::int64_t sent = 0;
    std::int64_t acknowledged = 0;   // everything up to here is
    std::int64_t marked = 0;         // every partition was told so far
    std::vector<std::int64_t> last;  // sent to each partition
    std::deque<sent_record> in_flight;
    std::uint64_t first = 1;         // number of the first in flight
    rd_kafka_resp_err_t failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    steady_point noted_at{}, marked_at{};
    telemetry::counter* relayed = nullptr;
    bool cleared = false;            // schemas of all known types fit
    steady_point ask_again{};        // not before
    std::map<std::string, std::string, std::less<>> prefixes{};  // by type
    client producer{};

    [[nodiscard]] bool is_at_rest() const { return in_flight.empty() && acknowledged == noted; }
    // The number of what is sent next.
    [[nodiscard]] void* next_opaque() const { return reinterpret_cast<void*>(first + in_flight.size()); }  // NOLINT(performance-no-int-to-ptr): never followed
};

relay::relay(connection c, relay_options o, std::shared_ptr<source_tail> tail, outbox_reader& reader, relay_store& store, registry::registrar* schemas,
             asio::any_io_executor executor, clock& time)
    : connection_(std::move(c)), options_(std::move(o)), tail_(std::move(tail)), reader_(reader), store_(store), schemas_(schemas), executor_(std::move(executor)), clock_(time),
      work_(std::make_shared<signal>(executor_, clock_)), watching_("relay." + options_.source) {
    tail_->attach(work_);
}

relay::~relay() = default;

void relay::halt() noexcept {
    halted_ = true;
    work_->notify();
}

// Called by rd_kafka_poll on our thread.
void relay::set_up(rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* m, void* opaque) {
        auto& s = *static_cast<session*>(opaque);
        if (m->err) {
            s.failed = m->err;
            return;
        }
        auto& r = s.in_flight[reinterpret_cast<std::uintptr_t>(m->_private) - s.first];
        r.done = true;
        r.span.set(telemetry::semconv::messaging_kafka_offset, m->offset);
        r.span.end();
    });
}

task<void> relay::run(std::int64_t fence) {
    session s;
    s.fence = fence;
    s.noted = s.sent = s.acknowledged = co_await store_.begin(options_.source, fence);
    s.last.assign(static_cast<std::size_t>(options_.partitions), 0);
    s.noted_at = clock_.steady_now();
    s.relayed = &telemetry::count("bv_relay_sent_total", "Events that the brokers have acknowledged", {{"source", options_.source}});
    s.producer = make_client(RD_KAFKA_PRODUCER, connection_, producer_properties(), &set_up, &s);
    telemetry::info("relay.begun", {{"source", options_.source}, {"fence", fence}, {"position", s.noted}});
    const watched watch(executor_, watching_, queue(rd_kafka_queue_get_main(s.producer.get())), work_);
    co_await work(s);
}

task<void> relay::work(session& s) {
    std::optional<steady_point> give_up;
    while (true) {
        rd_kafka_poll(s.producer.get(), 0);
        if (s.failed) throw unavailable(fmt::format("events of {} were not taken", options_.source), s.failed);
        acknowledged(s);
        if (halted_ && !give_up) give_up = clock_.steady_now() + options_.stop_grace;
        if (give_up && (s.in_flight.empty() || clock_.steady_now() > *give_up)) break;
        const bool more = !halted_ && co_await is_cleared(s) && co_await send_next(s);
        if (!halted_ && s.marked < s.sent && clock_.steady_now() - s.marked_at >= options_.mark_every && send_markers(s)) {
            s.marked = s.sent;
            s.marked_at = clock_.steady_now();
        }
        if (clock_.steady_now() - s.noted_at >= (s.is_at_rest() ? std::chrono::nanoseconds(ownership_check) : options_.note_every)) co_await note(s);
        if (more) co_await asio::post(executor_, asio::use_awaitable);
        else co_await work_->wait_for(rest_of(s));
    }
    if (s.acknowledged > s.noted) co_await note(s);
}

// Until there is something to do by itself.
std::chrono::nanoseconds relay::rest_of(const session& s) const {
    const auto now = clock_.steady_now();
    std::chrono::nanoseconds out = idle_check;
    if (halted_) out = milliseconds(20);
    if (s.marked < s.sent) out = std::min(out, s.marked_at + options_.mark_every - now);
    if (!s.is_at_rest()) out = std::min(out, s.noted_at + options_.note_every - now);
    return std::max<std::chrono::nanoseconds>(out, milliseconds(1));
}

// False while a change of a schema is refused: nothing is sent then. A registry that is away is asked when a type comes that needs it.
task<bool> relay::is_cleared(session& s) {
    if (!schemas_ || s.cleared) co_return true;
    if (clock_.steady_now() < s.ask_again) co_return false;
    for (const auto& type : options_.types) {
        const auto prefix = co_await schemas_->prefix_of(options_.topic, type);
        if (prefix || prefix.error().code == code::unavailable) continue;
        s.ask_again = clock_.steady_now() + schema_check;
        co_return false;
    }
    s.ask_again = {};
    co_return s.cleared = true;
}

// What stands before the messages of a type; null: it is not known yet.
task<const std::string*> relay::prefix_of(session& s, const std::string& type) {
    auto it = s.prefixes.find(type);
    if (it == s.prefixes.end()) {
        if (clock_.steady_now() < s.ask_again) co_return nullptr;
        std::string prefix;
        if (schemas_) {
            auto asked = co_await schemas_->prefix_of(options_.topic, type);
            if (!asked) {
                s.ask_again = clock_.steady_now() + schema_check;
                co_return nullptr;
            }
            prefix = std::move(*asked);
        }
        it = s.prefixes.emplace(type, std::move(prefix)).first;
    }
    co_return &it->second;
}

// True when there may be more at once.
task<bool> relay::send_next(session& s) {
    if (s.in_flight.size() >= options_.most_in_flight) co_return false;
    const auto slice = tail_->take(s.sent, {}, fetch_rows);
    auto some = slice.events;
    if (slice.behind) some = co_await reader_.fetch(options_.source, s.sent, slice.head, fetch_rows);
    if (!some.empty() && s.is_at_rest() && clock_.steady_now() - s.noted_at >= options_.note_every) co_await note(s);
    for (const auto& e : some) {
        const auto* prefix = co_await prefix_of(s, e->type);
        if (!prefix || !send(s, *e, *prefix)) co_return false;
        s.sent = e->position;
    }
    if (slice.behind && some.empty()) s.sent = slice.head;  // retention removed what was between
    co_return s.sent < slice.head;
}

// From its sending to the brokers' acknowledgement. Below it are the spans of all who read the record.
telemetry::span relay::span_of(const event& e, std::int32_t partition) const {
    namespace semconv = telemetry::semconv;
    const auto trace = trace_of(e);
    if (!trace.sampled) return {};
    telemetry::span out(fmt::format("publish {}", e.short_type()), telemetry::span_kind::producer, trace);
    if (!options_.service.empty()) out.set(semconv::service_name, options_.service);
    out.set(semconv::messaging_system, "kafka");
    out.set(semconv::messaging_operation_type, "publish");
    out.set(semconv::messaging_destination_name, options_.topic);
    out.set(semconv::messaging_destination_partition_id, fmt::to_string(partition));
    out.set(semconv::messaging_message_id, e.id.str());
    return out;
}

// False when there is no room: it is tried again.
bool relay::send(session& s, const event& e, const std::string& prefix) {
    const auto partition = partition_of(e.key, e.id, options_.partitions);
    auto span = span_of(e, partition);
    auto headers = headers_of(e);
    if (span.context().sampled) add_header(headers, "traceparent", span.context().traceparent());
    const auto framed = prefix.empty() ? std::string{} : prefix + e.payload;
    const auto broken = produce(s.producer, {options_.topic, partition, e.key, prefix.empty() ? e.payload : framed, e.time, s.next_opaque()}, std::move(headers));
    if (broken) span.fail(rd_kafka_err2str(broken));
    if (broken == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
    if (broken) throw unavailable(fmt::format("event {} of {} cannot be sent", e.id.str(), options_.source), broken);
    s.in_flight.push_back({e.position, std::move(span)});
    s.last[static_cast<std::size_t>(partition)] = e.position;
    return true;
}

bool relay::send_markers(session& s) {
    for (std::int32_t partition = 0; partition < options_.partitions; ++partition) {
        auto& last = s.last[static_cast<std::size_t>(partition)];
        if (last >= s.sent) continue;
        const auto broken = produce(s.producer, {.topic = options_.topic, .partition = partition, .opaque = s.next_opaque()}, headers_of_marker(options_.source, s.sent));
        if (broken == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
        if (broken) throw unavailable(fmt::format("a marker of {} cannot be sent", options_.source), broken);
        s.in_flight.push_back({s.sent});
        last = s.sent;
    }
    return true;
}

void relay::acknowledged(session& s) {
    while (!s.in_flight.empty() && s.in_flight.front().done) {
        s.acknowledged = s.in_flight.front().position;
        s.in_flight.pop_front();
        ++s.first;
        s.relayed->add();
    }
}

task<void> relay::note(session& s) {
    if (s.acknowledged == s.noted) co_await store_.confirm(options_.source, s.fence, s.noted);
    else co_await store_.advance(options_.source, s.fence, s.noted, s.acknowledged);
    s.noted = s.acknowledged;
    s.noted_at = clock_.steady_now();
}

}  // namespace bv::events::kafka
