#include "platform/storage/redis/second_level.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "platform/core/uuid.hpp"
#include "platform/resilience/retry.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::redis {
namespace {

constexpr char present_mark = 'P', absent_mark = 'A', claim_mark = 'C', dropped_mark = 'D';
constexpr milliseconds last_patience{500};
constexpr std::size_t most_sent = 256;  // invalidations in one pipeline
constexpr resilience::retry_policy sending{.attempts = 0, .first = milliseconds(20), .longest = milliseconds(1'000)};

// KEYS[1], the claim, its time in milliseconds. 0: somebody else has it, or has loaded it.
const script claim_script(R"(
local now = redis.call('GET', KEYS[1])
if now and string.sub(now, 1, 1) ~= 'D' then return 0 end
local change = now and string.match(now, '^D(%d+):') or '0'
redis.call('SET', KEYS[1], 'C' .. change .. ':' .. ARGV[1], 'PX', ARGV[2])
return 1)");

// KEYS[1], the claim, the mark, the value, its time in milliseconds.
const script store_script(R"(
local now = redis.call('GET', KEYS[1])
if not now then return 0 end
local change, claim = string.match(now, '^C(%d+):(.*)$')
if claim ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. change .. ':' .. ARGV[3], 'PX', ARGV[4])
return 1)");

// KEYS[1], the change, for how many milliseconds to remember it.
const script drop_script(R"(
local now = redis.call('GET', KEYS[1])
local change = now and string.match(now, '^.(%d+):')
if change and tonumber(change) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], 'D' .. ARGV[1] .. ':', 'PX', ARGV[2])
return 1)");

struct entry {
    char mark;
    std::string_view rest;
};
// nullopt: nothing of ours, or of a release that stores otherwise.
std::optional<entry> parse_entry(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == text.npos || colon < 2 || text.substr(1, colon - 1).find_first_not_of("0123456789") != text.npos) return std::nullopt;
    return entry{text.front(), text.substr(colon + 1)};
}

struct debt {
    std::uint64_t number = 0;  // of the key's last invalidation
    bool told = false;         // to other processes
    std::int64_t change = 0;   // where it is not
};
using debts = std::unordered_map<std::string, debt>;

}  // namespace

struct second_level::impl : std::enable_shared_from_this<impl> {
    impl(second_level_options o, client& c, bv::clock& t, bv::rng& r, asio::any_io_executor h)
        : options(std::move(o)), redis(c), clock(t), rng(r), home(std::move(h)),
          hits(telemetry::count("bv_cache_second_level_hits_total", "Keys answered by the second level of a cache, absent ones too", {{"cache", options.name}})),
          misses(telemetry::count("bv_cache_second_level_misses_total", "Keys that the second level did not hold", {{"cache", options.name}})),
          passed(telemetry::count("bv_cache_second_level_passed_total", "Keys loaded past the second level: it was away, or owed their invalidation", {{"cache", options.name}})),
          waits(telemetry::count("bv_cache_second_level_waits_total", "Keys waited for while another process loaded them", {{"cache", options.name}})),
          refused(telemetry::count("bv_cache_second_level_refused_total", "Loaded values not stored: their claim had ended", {{"cache", options.name}})) {}

    [[nodiscard]] std::string channel() const { return options.prefix + "invalidated"; }
    // Its own it knows already: hearing them would only drop what was loaded since.
    void heard(std::string_view text) const {
        const auto space = text.find(' ');
        if (space != text.npos && text.substr(0, space) != self_name && changed.invalidated) changed.invalidated(text.substr(space + 1));
    }
    [[nodiscard]] std::string key_of(std::string_view key) const { return options.prefix + std::string(key); }
    [[nodiscard]] std::int64_t life(bool present) {
        const auto whole = static_cast<double>((present ? options.ttl : options.absent_ttl).count());
        return std::max<std::int64_t>(1, static_cast<std::int64_t>(whole * (1 - options.jitter * rng.uniform())));
    }
    [[nodiscard]] std::string new_claim() { return uuid::v7(clock, rng).str(); }
    [[nodiscard]] bool owes(std::string_view key) {
        const std::lock_guard hold(mutex);
        return clock.steady_now() < past_until || owed.contains(std::string(key));
    }

    // Reads the keys at `wanted`; those that are neither there nor being loaded are left in `missing`, those that another
    // process loads in `waiting`.
    task<void> read(const std::vector<std::string>& keys, std::vector<std::size_t> wanted, std::vector<found>& out, std::vector<std::size_t>& missing,
                    std::vector<std::size_t>& waiting);
    task<void> claim(const std::vector<std::string>& keys, const std::vector<std::size_t>& missing, std::vector<found>& out, std::vector<std::size_t>& waiting);
    task<void> wait_for_others(const std::vector<std::string>& keys, std::vector<std::size_t> waiting, std::vector<found>& out);
    // Sends what is owed until nothing is.
    task<void> pay_all();
    static task<void> pay(std::shared_ptr<impl>);
    [[nodiscard]] debts some_owed();
    void paid(const std::string& key, std::uint64_t number);

    const second_level_options options;
    client& redis;
    bv::clock& clock;
    bv::rng& rng;
    const asio::any_io_executor home;
    const std::string self_name = uuid::v7(clock, rng).str();
    changes changed{};
    telemetry::counter &hits, &misses, &passed, &waits, &refused;

    mutable std::mutex mutex;
    debts owed;  // by key
    std::uint64_t invalidations = 0;
    steady_point past_until{};  // more were owed than are kept: until then everything is read past Redis
    bool paying = false;
    scope jobs{"redis invalidations"};
};

task<void> second_level::impl::read(const std::vector<std::string>& keys, std::vector<std::size_t> wanted, std::vector<found>& out,
                                    std::vector<std::size_t>& missing, std::vector<std::size_t>& waiting) {
    std::vector<command> gets;
    gets.reserve(wanted.size());
    for (const auto i : wanted) gets.push_back(command::on(key_of(keys[i]), "GET"));
    const auto said = co_await redis.call_all(std::move(gets));
    for (std::size_t n = 0; n < wanted.size(); ++n) {
        const auto i = wanted[n];
        if (!said[n]) {
            passed.add();
            continue;
        }
        const auto& value = said[n]->text;
        const auto there = parse_entry(value);
        if (value.empty() || (there && there->mark == dropped_mark)) missing.push_back(i);
        else if (!there) passed.add();
        else if (there->mark == claim_mark) waiting.push_back(i);
        else if (there->mark == present_mark || there->mark == absent_mark) {
            hits.add();
            out[i].is = there->mark == present_mark ? found::state::present : found::state::absent;
            out[i].bytes = there->rest;
        }
    }
}

task<void> second_level::impl::claim(const std::vector<std::string>& keys, const std::vector<std::size_t>& missing, std::vector<found>& out,
                                     std::vector<std::size_t>& waiting) {
    std::vector<command> sets;
    std::vector<std::string> claims;
    for (const auto i : missing) {
        claims.push_back(new_claim());
        sets.push_back(claim_script.on(key_of(keys[i]), claims.back(), options.claim.count()));
    }
    const auto said = co_await redis.call_all(std::move(sets));
    for (std::size_t n = 0; n < missing.size(); ++n) {
        if (!said[n]) continue;  // perhaps claimed, by nobody who knows: nobody stores until the claim runs out
        if (said[n]->integer == 0) waiting.push_back(missing[n]);
        else out[missing[n]].claim = std::move(claims[n]);
    }
}

// What another process loads is there in a moment, or loaded here, too: a process that died must not make others wait long.
task<void> second_level::impl::wait_for_others(const std::vector<std::string>& keys, std::vector<std::size_t> waiting, std::vector<found>& out) {
    waits.add(waiting.size());
    const auto end = clock.steady_now() + options.patience;
    for (auto pause = milliseconds(1); !waiting.empty() && clock.steady_now() + pause <= end; pause *= 2) {
        co_await clock.sleep_for(pause);
        std::vector<std::size_t> gone, still;
        co_await read(keys, std::move(waiting), out, gone, still);
        waiting = std::move(still);
    }
}

debts second_level::impl::some_owed() {
    const std::lock_guard hold(mutex);
    debts out;
    for (auto it = owed.begin(); it != owed.end() && out.size() < most_sent; ++it) out.insert(*it);
    if (out.empty()) paying = false;
    return out;
}

void second_level::impl::paid(const std::string& key, std::uint64_t number) {
    const std::lock_guard hold(mutex);
    if (const auto it = owed.find(key); it != owed.end() && it->second.number == number) owed.erase(it);  // else it was invalidated once more
}

task<void> second_level::impl::pay_all() {
    for (int failures = 0;;) {
        const auto some = some_owed();
        if (some.empty()) co_return;
        std::vector<command> drops;
        std::vector<const debts::value_type*> of;
        for (const auto& entry : some) {
            drops.push_back(entry.second.told ? command::on(key_of(entry.first), "UNLINK")
                                              : drop_script.on(key_of(entry.first), entry.second.change, options.dropped.count()));
            of.push_back(&entry);
        }
        const auto said = co_await redis.call_all(std::move(drops));
        bool all = true;
        for (std::size_t i = 0; i < of.size(); ++i) {
            all = all && said[i];
            if (!said[i]) continue;
            paid(of[i]->first, of[i]->second.number);
            if (of[i]->second.told) co_await redis.send(command::of("PUBLISH", channel(), self_name + ' ' + of[i]->first));
        }
        failures = all ? 0 : std::min(failures + 1, 16);
        if (!all) co_await clock.sleep_for(milliseconds(1) + resilience::backoff(sending, failures, rng));
    }
}

// When it ends by an exception, the next invalidation begins anew.
task<void> second_level::impl::pay(std::shared_ptr<impl> self) {
    try {
        co_await self->pay_all();
    } catch (...) {
        const std::lock_guard hold(self->mutex);
        self->paying = false;
        throw;
    }
}

second_level::second_level(second_level_options o, client& c, clock& t, rng& r, asio::any_io_executor home)
    : impl_(std::make_shared<impl>(std::move(o), c, t, r, std::move(home))) {
    telemetry::observe(
        "bv_cache_second_level_owed", "Invalidations that the second level of a cache does not have yet", [weak = std::weak_ptr(impl_)] {
            const auto self = weak.lock();
            if (!self) return 0.0;
            const std::lock_guard hold(self->mutex);
            return static_cast<double>(self->owed.size());
        }, {{"cache", impl_->options.name}});
}

second_level::~second_level() { telemetry::forget("bv_cache_second_level_owed", {{"cache", impl_->options.name}}); }

task<std::vector<second_level::found>> second_level::get_many(std::vector<std::string> keys) {
    const auto self = impl_;
    std::vector<found> out(keys.size());
    std::vector<std::size_t> wanted, missing, waiting;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (self->owes(keys[i])) self->passed.add();
        else wanted.push_back(i);
    }
    if (wanted.empty()) co_return out;
    co_await self->read(keys, std::move(wanted), out, missing, waiting);
    self->misses.add(missing.size() + waiting.size());
    if (!missing.empty()) co_await self->claim(keys, missing, out, waiting);
    if (!waiting.empty()) co_await self->wait_for_others(keys, std::move(waiting), out);
    co_return out;
}

task<void> second_level::put_many(std::vector<loaded> all) {
    const auto self = impl_;
    std::vector<command> stores;
    for (const auto& l : all) {
        const std::string_view mark(l.bytes ? &present_mark : &absent_mark, 1);
        stores.push_back(store_script.on(self->key_of(l.key), l.claim, mark, l.bytes ? std::string_view(*l.bytes) : std::string_view{}, self->life(l.bytes.has_value())));
    }
    const auto said = co_await self->redis.call_all(std::move(stores));
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (said[i] && said[i]->integer == 0) self->refused.add();
    }
}

void second_level::owe(std::string_view key, std::int64_t change) {
    auto& s = *impl_;
    {
        const std::lock_guard hold(s.mutex);
        if (s.owed.size() < s.options.most_owed || s.owed.contains(std::string(key))) {
            auto& d = s.owed[std::string(key)];
            d = {++s.invalidations, d.told || change == 0, std::max(d.change, change)};
        } else s.past_until = s.clock.steady_now() + s.options.ttl;
        if (std::exchange(s.paying, true)) return;
    }
    s.jobs.spawn(s.home, impl::pay(impl_));
}

void second_level::watch(changes c) { impl_->changed = std::move(c); }

void second_level::start() {
    const auto hear = [weak = std::weak_ptr(impl_)](std::string_view text) {
        if (const auto self = weak.lock()) self->heard(text);
    };
    const auto begin = [weak = std::weak_ptr(impl_)] {
        if (const auto self = weak.lock(); self && self->changed.missed) self->changed.missed();
    };
    impl_->redis.subscribe(impl_->home, impl_->channel(), hear, begin);
}

std::size_t second_level::owed() const {
    const std::lock_guard hold(impl_->mutex);
    return impl_->owed.size();
}

task<void> second_level::stop() {
    const auto self = impl_;
    auto& clock = self->clock;
    for (const auto end = clock.steady_now() + last_patience; owed() > 0 && clock.steady_now() < end;) co_await clock.sleep_for(milliseconds(5));
    self->jobs.stop();
    co_await self->jobs.join();
}

}  // namespace bv::redis
