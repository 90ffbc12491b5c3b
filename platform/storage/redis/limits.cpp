#include "platform/storage/redis/limits.hpp"

#include <algorithm>

#include "platform/telemetry/metrics.hpp"

namespace bv::redis {
namespace {

// KEYS[1] holds when the bucket is full again. ARGV: one request's share of the window and the whole of it, in microseconds.
// Answers: allowed, requests left, microseconds until the whole limit is there, and until one request is.
// Lua writes large numbers with 14 digits only: %.0f keeps them whole.
const script take_script(R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local apart, whole = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local used = full_at + apart - now
if used > whole then return {0, 0, full_at - now, used - whole} end
redis.call('SET', KEYS[1], string.format('%.0f', full_at + apart), 'PX', math.ceil(used / 1000))
return {1, math.floor((whole - used) / apart), used, 0}
)");

milliseconds round_up(std::int64_t us) { return std::chrono::ceil<milliseconds>(std::chrono::microseconds(std::max<std::int64_t>(us, 0))); }

}  // namespace

shared_limits::shared_limits(client& c, std::string prefix) : redis_(c), prefix_(std::move(prefix)) {}

task<std::optional<resilience::rate_decision>> shared_limits::take(const resilience::rate_limit_options& o, std::string key) {
    const std::int64_t apart = std::max<std::int64_t>(1, std::chrono::microseconds(o.window).count() / o.limit);
    const auto said = co_await redis_.call(take_script.on(prefix_ + o.name + ":" + key, apart, apart * o.limit));
    if (!said || said->is != reply::kind::list || said->items.size() != 4) co_return std::nullopt;
    const auto& n = said->items;
    resilience::rate_decision out{.allowed = n[0].integer == 1, .limit = o.limit};
    out.remaining = static_cast<std::uint32_t>(n[1].integer);
    out.reset = round_up(n[2].integer);
    if (!out.allowed) out.retry_after = round_up(n[3].integer);
    co_return out;
}

}  // namespace bv::redis
