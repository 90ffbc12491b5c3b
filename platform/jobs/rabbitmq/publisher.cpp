#include "platform/jobs/rabbitmq/publisher.hpp"

#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::jobs::rabbitmq {
namespace {
constexpr seconds patience{30};  // with a confirmation: a quorum queue without a majority gives none
}  // namespace

publisher::publisher(server s, const topology& t, std::string name, milliseconds look_every, clock& c, rng& r)
    : link(std::move(s), t, std::move(name), c, r), look_every_(look_every) {}

task<std::vector<bool>> publisher::publish(std::vector<message> some) {
    auto mine = std::make_shared<batch>();
    mine->messages = std::move(some);
    mine->taken.assign(mine->messages.size(), false);
    {
        const std::lock_guard hold(mutex_);
        if (!up_) throw failure(code::unavailable, "RABBITMQ_AWAY", "RabbitMQ is away");
        in_hand_ = mine;  // one that was cancelled is forgotten: what it sent is told again
    }
    wake();
    co_await mine->sender->wait();
    if (mine->broken) throw failure(code::unavailable, "RABBITMQ_AWAY", "the connection to RabbitMQ was lost before it had said what became of the messages");
    co_return std::move(mine->taken);
}

std::string publisher::held_back() const {
    const std::lock_guard hold(mutex_);
    return held_back_;
}

void publisher::opened(connection& c) {
    c.select_confirms();
    published_ = 0;
    looked_at_ = {};
    const std::lock_guard hold(mutex_);
    up_ = true;
}

void publisher::work(connection& c) {
    std::shared_ptr<batch> now;
    {
        const std::lock_guard hold(mutex_);
        now = in_hand_;
        if (!held_back_.empty()) {
            if (now) now->sent_at = time().steady_now();
            return;
        }
    }
    if (now && now->sent) {
        if (time().steady_now() - now->sent_at < patience) return;
        throw failure(code::unavailable, "RABBITMQ_AWAY", fmt::format("RabbitMQ has not confirmed messages for {} s: does {} have a majority of its replicas? (rabbitmq-queues check_if_node_is_quorum_critical)",
                                                                      patience / seconds(1), made().work()));
    }
    // Between two batches, so that an answer is not waited for behind an alarm. Before the next one: under load it is in hand at once.
    if (time().steady_now() - looked_at_ >= look_every_) {
        looked_at_ = time().steady_now();
        ready_ = c.ready_in(made().work());
    }
    if (now) send(c, *now);
}

void publisher::send(connection& c, batch& b) {
    b.sent = true;
    b.sent_at = time().steady_now();
    b.open = b.messages.size();
    b.answered.assign(b.messages.size(), false);
    b.first = published_ + 1;
    for (const auto& m : b.messages) {
        c.publish(m);
        ++published_;
    }
}

void publisher::received(incoming one) {
    if (const auto* c = std::get_if<confirmed>(&one)) on(*c);
    else if (const auto* r = std::get_if<returned>(&one)) on(*r);
    else if (const auto* b = std::get_if<blocked>(&one)) on(*b);
}

void publisher::on(const confirmed& c) {
    std::shared_ptr<batch> now;
    {
        const std::lock_guard hold(mutex_);
        now = in_hand_;
    }
    if (!now || !now->sent || c.tag < now->first) return;
    if (c.tag > published_) throw failure(code::unavailable, "RABBITMQ_AWAY", fmt::format("RabbitMQ confirmed message {}, and {} were sent to it", c.tag, published_));
    for (auto tag = c.many ? now->first : c.tag; tag <= c.tag; ++tag) answer(*now, tag, c.taken);
    if (now->open == 0) end(now, false);
}

void publisher::answer(batch& b, std::uint64_t tag, bool taken) {
    const auto i = tag - b.first;
    BV_ASSERT(i < b.messages.size());
    if (b.answered[i]) return;
    b.answered[i] = true;
    --b.open;
    const bool routed = !b.unroutable.contains(b.messages[i].id);
    b.taken[i] = taken && routed;
    const auto outcome = !taken ? "refused" : routed ? "confirmed" : "returned";
    telemetry::count("bv_rabbitmq_published_total", "Messages by what RabbitMQ said of them", {{"outcome", outcome}}).add();
}

// Its queue is gone since the topology was declared. The connection is made anew, which makes it again.
void publisher::on(const returned& r) {
    const std::lock_guard hold(mutex_);
    if (in_hand_) in_hand_->unroutable.insert(r.id);
    telemetry::error("rabbitmq.returned", {{"key", r.key}});
    throw failure(code::unavailable, "RABBITMQ_TOPOLOGY_GONE", fmt::format("RabbitMQ has no queue for {} any more: it was deleted there", r.key));
}

void publisher::on(const blocked& b) {
    const std::lock_guard hold(mutex_);
    held_back_ = b.reason;
    if (b.reason.empty()) telemetry::info("rabbitmq.unblocked");
    else telemetry::warn("rabbitmq.blocked", {{"reason", b.reason}});
}

// The one in hand may be another by now: that is not ended with it.
void publisher::end(const std::shared_ptr<batch>& over, bool broken) noexcept {
    {
        const std::lock_guard hold(mutex_);
        if (in_hand_ == over) in_hand_.reset();
    }
    over->broken = broken;
    over->sender->wake();
}

void publisher::lost() noexcept {
    std::shared_ptr<batch> open;
    {
        const std::lock_guard hold(mutex_);
        up_ = false;
        held_back_.clear();
        open = in_hand_;
    }
    ready_ = -1;
    if (open) end(open, true);
}

}  // namespace bv::jobs::rabbitmq
