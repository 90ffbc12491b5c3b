#include "platform/jobs/rabbitmq/consumer.hpp"

#include <fmt/format.h>

#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::jobs::rabbitmq {

consumer::consumer(server s, const topology& t, std::string name, std::uint16_t prefetch, std::function<void()> arrived, clock& c, rng& r)
    : link(std::move(s), t, std::move(name), c, r), prefetch_(prefetch), arrived_(std::move(arrived)) {}

void consumer::opened(connection& c) {
    {
        const std::lock_guard hold(mutex_);
        ++number_;
    }
    c.consume(made().work(), "work", prefetch_);
    c.consume(made().dead(), "dead", prefetch_);
}

void consumer::received(incoming one) {
    if (const auto* gone = std::get_if<cancelled>(&one))
        throw failure(code::unavailable, "RABBITMQ_TOPOLOGY_GONE", fmt::format("RabbitMQ ended the consumer of {}: its queue was deleted there, or moves", gone->consumer));
    const auto* d = std::get_if<delivered>(&one);
    if (!d) return;
    telemetry::count("bv_rabbitmq_delivered_total", "Messages that RabbitMQ delivered", {{"queue", d->consumer}}).add();
    const auto job = uuid::parse(d->id);
    {
        const std::lock_guard hold(mutex_);
        const token message{number_, d->tag};
        if (job) heard_.push_back({*job, message, d->consumer == "dead", d->traceparent});
        else done_.push_back(message);
    }
    if (!job) return telemetry::error("rabbitmq.foreign_message", {{"queue", d->consumer}});  // of another program: no job of ours waits for it
    arrived_();
}

std::vector<consumer::announcement> consumer::take(std::size_t limit) {
    const std::lock_guard hold(mutex_);
    const auto n = std::min(limit, heard_.size());
    std::vector<announcement> out(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(n));
    heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(n));
    return out;
}

void consumer::put_back(std::vector<announcement> some) {
    const std::lock_guard hold(mutex_);
    std::erase_if(some, [this](const announcement& a) { return a.message.connection != number_; });
    heard_.insert(heard_.begin(), some.begin(), some.end());
}

void consumer::acknowledge(const std::vector<token>& some) noexcept {
    {
        const std::lock_guard hold(mutex_);
        done_.insert(done_.end(), some.begin(), some.end());
    }
    wake();
}

void consumer::work(connection& c) {
    std::vector<token> done;
    std::uint64_t number = 0;
    {
        const std::lock_guard hold(mutex_);
        done.swap(done_);
        number = number_;
    }
    for (const auto& t : done)
        if (t.connection == number) c.acknowledge(t.tag);
}

void consumer::lost() noexcept {
    const std::lock_guard hold(mutex_);
    heard_.clear();
    done_.clear();
}

}  // namespace bv::jobs::rabbitmq
