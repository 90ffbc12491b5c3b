#include "platform/resilience/rate_limit.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "platform/core/assert.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::resilience {
namespace {

constexpr std::size_t shard_count = 16;
constexpr std::size_t looked_at = 16;  // slots that a full shard looks at to make room

// A key and when its bucket is full again; full already means as good as forgotten.
struct slot {
    std::string key;
    steady_point full_at;
};

milliseconds round_up(std::chrono::nanoseconds d) { return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(d)); }

}  // namespace

struct rate_limiter::shard {
    std::mutex mutex;
    std::deque<slot> slots;  // never shrinks, so the index's views stay valid
    std::unordered_map<std::string_view, std::size_t> index;
    std::size_t hand = 0;

    slot& find(std::string_view key, std::size_t most, steady_point now) {
        if (const auto it = index.find(key); it != index.end()) return slots[it->second];
        std::size_t at = slots.size();
        if (at < most)
            slots.emplace_back();
        else
            at = make_room();
        slots[at] = {std::string(key), now};
        index.emplace(slots[at].key, at);
        return slots[at];
    }

    // The least used of the next few slots: it forgives the least when it is forgotten.
    std::size_t make_room() {
        std::size_t victim = hand;
        for (std::size_t i = 0; i < std::min(looked_at, slots.size()); ++i) {
            const std::size_t at = (hand + i) % slots.size();
            if (slots[at].full_at < slots[victim].full_at) victim = at;
        }
        hand = (hand + looked_at) % slots.size();
        index.erase(slots[victim].key);
        return victim;
    }
};

struct rate_limiter::impl {
    const rate_limit_options options;
    const std::chrono::nanoseconds apart;  // one request's share of the window
    const std::size_t per_shard;
    telemetry::counter& refused;
    mutable std::array<shard, shard_count> shards;

    // Of one more request, for a bucket that is full again then.
    [[nodiscard]] rate_decision decide(steady_point full_at, steady_point now) const {
        const auto capacity = apart * options.limit, used = std::max(full_at, now) + apart - now;
        rate_decision out{.allowed = used <= capacity, .limit = options.limit};
        if (out.allowed) out.remaining = static_cast<std::uint32_t>((capacity - used) / apart);
        else out.retry_after = round_up(used - capacity);
        out.reset = round_up(full_at - now);
        return out;
    }

    explicit impl(rate_limit_options o)
        : options(std::move(o)), apart(std::chrono::nanoseconds(options.window) / std::max(1U, options.limit)),
          per_shard(std::max<std::size_t>(1, (options.most_keys + shard_count - 1) / shard_count)),
          refused(telemetry::count("bv_rate_limited_total", "Requests refused by a rate limit", {{"policy", options.name}})) {
        BV_ASSERT(options.limit > 0 && apart.count() > 0);
    }
};

rate_limiter::rate_limiter(rate_limit_options o) : impl_(std::make_unique<impl>(std::move(o))) {}
rate_limiter::~rate_limiter() = default;

rate_decision rate_limiter::take(std::string_view key, steady_point now) {
    auto& i = *impl_;
    auto& s = i.shards[std::hash<std::string_view>{}(key) % shard_count];
    std::lock_guard lock(s.mutex);
    slot& bucket = s.find(key, i.per_shard, now);
    auto out = i.decide(bucket.full_at, now);
    if (out.allowed) bucket.full_at = std::max(bucket.full_at, now) + i.apart;
    else i.refused.add();
    out.reset = round_up(bucket.full_at - now);
    return out;
}

rate_decision rate_limiter::look(std::string_view key, steady_point now) const {
    const auto& i = *impl_;
    auto& s = i.shards[std::hash<std::string_view>{}(key) % shard_count];
    std::lock_guard lock(s.mutex);
    const auto known = s.index.find(key);
    return i.decide(known == s.index.end() ? now : s.slots[known->second].full_at, now);
}

task<rate_decision> rate_limiter::take(std::string key, steady_point now, shared_limits* others) {
    auto own = take(key, now);
    if (others == nullptr || !own.allowed) co_return own;
    const auto among_all = co_await others->take(impl_->options, std::move(key));
    if (!among_all) co_return own;
    if (!among_all->allowed) impl_->refused.add();
    co_return *among_all;
}

std::size_t rate_limiter::size() const {
    std::size_t n = 0;
    for (auto& s : impl_->shards) {
        std::lock_guard lock(s.mutex);
        n += s.index.size();
    }
    return n;
}

result<void> rate_decision::outcome() const {
    if (allowed) return {};
    return std::unexpected(error{code::resource_exhausted, "RATE_LIMITED",
                                 "more than " + std::to_string(limit) + " requests; try again in " + std::to_string(retry_after.count()) + " ms", {}, retry_after});
}

}  // namespace bv::resilience
