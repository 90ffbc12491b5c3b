#include "platform/storage/redis/limits.hpp"

#include <algorithm>

namespace bv::redis {
namespace {

constexpr std::uint32_t advanced_share = 64;  // one in so many of what a caller has left
constexpr milliseconds advance_lives{1'000};
constexpr std::size_t most_held = 1'000;  // in a shard; more callers ask each time

// KEYS[1] holds when the bucket is full again. ARGV: one request's share of the window and the whole of it, in microseconds, and how
// many requests are wanted. Answers: how many are allowed, how many are left after them, microseconds until the whole limit is there,
// and until one request is. Lua writes large numbers with 14 digits only: %.0f keeps them whole.
const script take_script(R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local apart, whole, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local free = math.floor((whole - (full_at - now)) / apart)
if free < 1 then return {0, 0, full_at - now, full_at + apart - now - whole} end
local taken = math.min(wanted, free)
local used = full_at + taken * apart - now
redis.call('SET', KEYS[1], string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
return {taken, free - taken, used, 0}
)");

milliseconds round_up(std::int64_t us) { return std::chrono::ceil<milliseconds>(std::chrono::microseconds(std::max<std::int64_t>(us, 0))); }

}  // namespace

shared_limits::shared_limits(client& c, clock& t, std::string prefix) : redis_(c), clock_(t), prefix_(std::move(prefix)) {}

std::optional<resilience::rate_decision> shared_limits::spend(const std::string& name, std::uint32_t limit, std::uint32_t& ask_for) {
    auto& s = shard_of(name);
    const std::lock_guard hold(s.mutex);
    const auto at = s.held.find(name);
    if (at == s.held.end()) return std::nullopt;
    auto& a = at->second;
    if (a.left > 0 && clock_.steady_now() < a.until) {
        --a.left;
        return resilience::rate_decision{.allowed = true, .limit = limit, .remaining = a.remaining + a.left, .reset = a.reset};
    }
    ask_for = std::clamp(a.remaining / advanced_share, 1U, most_in_advance);
    return std::nullopt;
}

// What is worth nothing any more makes room; where all is in use, the newcomer asks each time.
void shared_limits::keep(const std::string& name, advance a) {
    auto& s = shard_of(name);
    const auto now = clock_.steady_now();
    const std::lock_guard hold(s.mutex);
    if (s.held.size() >= most_held && !s.held.contains(name)) {
        std::erase_if(s.held, [&](const auto& entry) { return entry.second.until <= now; });
        if (s.held.size() >= most_held) return;
    }
    auto& at = s.held[name];
    if (now < at.until) a.left += at.left;  // two asked at the same time
    at = a;
}

task<std::optional<resilience::rate_decision>> shared_limits::take(const resilience::rate_limit_options& o, std::string key) {
    const auto name = o.name + ":" + key;
    std::uint32_t wanted = 1;
    if (const auto known = spend(name, o.limit, wanted)) co_return known;
    const std::int64_t apart = std::max<std::int64_t>(1, std::chrono::microseconds(o.window).count() / o.limit);
    const auto said = co_await redis_.call(take_script.on(prefix_ + name, apart, apart * o.limit, wanted));
    if (!said || said->is != reply::kind::list || said->items.size() != 4) co_return std::nullopt;
    const auto& n = said->items;
    const auto taken = static_cast<std::uint32_t>(n[0].integer), left = static_cast<std::uint32_t>(n[1].integer);
    resilience::rate_decision out{.allowed = taken > 0, .limit = o.limit, .remaining = left, .reset = round_up(n[2].integer)};
    if (!out.allowed) out.retry_after = round_up(n[3].integer);
    else out.remaining += taken - 1;
    keep(name, {.left = taken > 0 ? taken - 1 : 0, .remaining = left, .until = clock_.steady_now() + advance_lives, .reset = out.reset});
    co_return out;
}

}  // namespace bv::redis
