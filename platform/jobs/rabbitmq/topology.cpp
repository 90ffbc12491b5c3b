#include "platform/jobs/rabbitmq/topology.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace bv::jobs::rabbitmq {

topology::topology(shape s) : shape_(std::move(s)), exchange_(shape_.prefix + "jobs"), work_(fmt::format("{}jobs.{}", shape_.prefix, shape_.queue)) {
    const auto& t = shape_.tiers;
    if (t.empty() || t.front() < milliseconds(1) || std::ranges::adjacent_find(t, std::ranges::greater_equal{}) != t.end())
        throw failure(code::invalid_argument, "RABBITMQ_SHAPE", "rabbitmq.tiers: name one time at least, each longer than the one before");
}

std::string topology::waiting(milliseconds tier) const { return fmt::format("{}.wait.{}", work_, tier.count()); }

void topology::declare(connection& c) const {
    const auto dead_exchange = exchange_ + ".dead";
    c.declare_exchange(exchange_);
    c.declare_exchange(dead_exchange);
    c.declare_queue(dead(), {.replicas = shape_.replicas});
    c.bind(dead(), dead_exchange, work_);
    c.declare_queue(work_, {.delivery_limit = shape_.delivery_limit, .most = shape_.most, .replicas = shape_.replicas, .dead_letter_exchange = dead_exchange, .dead_letter_key = work_});
    c.bind(work_, exchange_, work_);
    for (const auto tier : shape_.tiers) {
        const auto name = waiting(tier);
        c.declare_queue(name, {.most = shape_.most, .time_to_live_ms = tier.count(), .replicas = shape_.replicas, .dead_letter_exchange = exchange_, .dead_letter_key = work_});
        c.bind(name, exchange_, name);
    }
}

std::string topology::key_after(milliseconds delay) const {
    if (delay <= milliseconds(0)) return work_;
    const auto next = std::ranges::lower_bound(shape_.tiers, delay);
    const bool is_near = next != shape_.tiers.end() && *next <= delay * 3 / 2;
    return waiting(is_near || next == shape_.tiers.begin() ? *next : *std::prev(next));
}

}  // namespace bv::jobs::rabbitmq
