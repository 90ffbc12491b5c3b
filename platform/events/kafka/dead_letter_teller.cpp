#include "platform/events/kafka/dead_letter_teller.hpp"

#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/events/kafka/record.hpp"
#include "platform/runtime/process_identity.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::events::kafka {
namespace {

constexpr std::int32_t most_at_once = 100;
constexpr milliseconds between_looks{500};
constexpr seconds between_full_looks{30};  // for those that were resolved, or whose process died, before they were told
constexpr milliseconds patience{10'000};   // with brokers that do not acknowledge; then all of it is sent again

const properties& producer_properties() {
    static const properties all{{"enable.idempotence", "true"}, {"acks", "all"}, {"message.max.bytes", "16777216"}, {"message.timeout.ms", "8000"}, {"linger.ms", "5"}};
    return all;
}

storage::transaction_options as(const subscription& s) {
    storage::transaction_options out;
    out.identity = storage::system_identity("service:" + s.consumer);
    return out;
}

headers headers_of(const told_group& g, const untold_letter& u) {
    auto out = kafka::headers_of(u.letter.event);
    add_header(out, "dead_letter_group", u.letter.group);
    add_header(out, "dead_letter_state", name(u.letter.state));
    add_header(out, "dead_letter_reason", u.letter.error);
    add_header(out, "dead_letter_attempts", fmt::to_string(u.letter.attempts));
    add_header(out, "dead_letter_time", rfc3339(u.letter.last_failed_at));
    add_header(out, "dead_letter_topic", g.topic);
    add_header(out, "dead_letter_partition", fmt::to_string(u.partition));
    add_header(out, "dead_letter_offset", fmt::to_string(u.offset));
    return out;
}

}  // namespace

struct dead_letter_teller::sending {
    std::size_t acknowledged = 0;
    rd_kafka_resp_err_t failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    client producer{};
    std::optional<watched> watch{};
};

dead_letter_teller::dead_letter_teller(connection c, std::vector<told_group> groups, storage::lease_store& leases, storage::lease_terms terms,
                                       registry::registrar* schemas, asio::any_io_executor executor, clock& time)
    : connection_(std::move(c)), groups_(std::move(groups)), leases_(leases), terms_(std::move(terms)), schemas_(schemas), executor_(std::move(executor)),
      clock_(time), work_(std::make_shared<signal>(executor_, clock_)), watching_("dead letters"), seen_(groups_.size(), 0) {}

dead_letter_teller::~dead_letter_teller() = default;

void dead_letter_teller::halt() noexcept {
    halted_ = true;
    work_->notify();
}

// Called by rd_kafka_poll on our thread.
void dead_letter_teller::set_up(rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* m, void* opaque) {
        auto& s = *static_cast<sending*>(opaque);
        if (m->err) s.failed = m->err;
        else ++s.acknowledged;
    });
}

task<void> dead_letter_teller::run() {
    while (!halted_) {
        std::optional<error> broken;
        try {
            co_await look();
        } catch (...) {
            broken = current_error();
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (halted_ || state.cancelled() != asio::cancellation_type::none) break;
        if (broken) telemetry::warn("kafka.dead_letters_wait", {{"reason", broken->reason}, {"message", broken->message}});
        const auto until = clock_.steady_now() + between_looks;
        while (!halted_ && clock_.steady_now() < until) co_await work_->wait_for(until - clock_.steady_now());
    }
    sends_.reset();
}

task<void> dead_letter_teller::look() {
    const bool all = clock_.steady_now() >= look_at_all_;
    for (std::size_t n = 0; n < groups_.size(); ++n) {
        const auto now = groups_[n].letters();
        if (!all && now == seen_[n]) continue;
        while (!halted_ && co_await tell(groups_[n])) {
        }
        seen_[n] = now;
    }
    if (all) look_at_all_ = clock_.steady_now() + between_full_looks;
}

// True when there may be more.
task<bool> dead_letter_teller::tell(const told_group& g) {
    told_letters letters(g.of->group, g.of->source, g.of->consumer);
    auto read = [&letters](storage::unit_of_work& uow) { return letters.untold(uow, most_at_once); };
    if ((co_await g.of->store->transact(as(*g.of), read)).empty()) co_return false;
    // So that two processes of a group do not both tell them. One that stands still for longer does: it is told twice then.
    const auto lease = co_await leases_.acquire(fmt::format("dead-letters:{}:{}", g.of->group, g.of->source), terms_.owner.empty() ? process_identity() : terms_.owner, terms_.life + patience);
    if (!lease) co_return false;
    std::optional<error> broken;
    std::size_t told = 0;
    try {
        const auto some = co_await g.of->store->transact(as(*g.of), read);
        co_await send(g, some);
        std::vector<std::int64_t> positions;
        for (const auto& u : some) positions.push_back(u.letter.event.position);
        co_await g.of->store->run(as(*g.of), [&letters, &positions](storage::unit_of_work& uow) { return letters.note(uow, positions); });
        told = some.size();
    } catch (...) {
        broken = current_error();
        sends_.reset();  // what is in hand, and is acknowledged later, is not counted for the next ones
    }
    co_await leases_.release(*lease);
    if (broken) throw failure(*broken);
    telemetry::count("bv_dead_letters_told_total", "Dead letters that were told to their topic", {{"group", g.of->group}, {"source", g.of->source}}).add(told);
    co_return told == most_at_once;
}

task<std::string> dead_letter_teller::value_of(const told_group& g, const event& e) {
    if (!schemas_ || e.type == undecodable_type) co_return e.payload;  // such a one is what it was
    auto prefix = co_await schemas_->prefix_of(g.topic, e.type);
    if (!prefix) throw failure(prefix.error());
    co_return *prefix + e.payload;
}

task<void> dead_letter_teller::send(const told_group& g, const std::vector<untold_letter>& some) {
    if (!sends_) {
        sends_ = std::make_unique<sending>();
        sends_->producer = make_client(RD_KAFKA_PRODUCER, connection_, producer_properties(), &set_up, sends_.get());
        sends_->watch.emplace(executor_, watching_, queue(rd_kafka_queue_get_main(sends_->producer.get())), work_);
    }
    // All of them first: while a schema is waited for, those before it would be sent again at each look.
    std::vector<std::string> values;
    for (const auto& u : some) values.push_back(co_await value_of(g, u.letter.event));
    auto& s = *sends_;
    s.acknowledged = 0;
    s.failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (std::size_t i = 0; i < some.size(); ++i) {
        const auto& u = some[i];
        const auto broken = produce(s.producer, {g.dead_topic, u.partition, u.letter.event.key, values[i]}, headers_of(g, u));
        if (broken) throw unavailable(fmt::format("dead letters of {} cannot be sent", g.of->group), broken);
    }
    for (const auto until = clock_.steady_now() + patience; s.acknowledged < some.size();) {
        rd_kafka_poll(s.producer.get(), 0);
        if (!s.failed && s.acknowledged < some.size() && clock_.steady_now() >= until) s.failed = RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (s.failed) throw unavailable(fmt::format("dead letters of {} were not taken", g.of->group), s.failed);
        if (s.acknowledged < some.size()) co_await work_->wait_for(milliseconds(100));
    }
}

}  // namespace bv::events::kafka
