#include "platform/cache/cache_core.hpp"

#include <algorithm>
#include <numeric>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"

namespace bv::cache {

// Whoever leads a load ends it, also when its coroutine is destroyed where it waits.
class core::leader {
public:
    leader(core& c, std::shared_ptr<load> l) noexcept : core_(c), load_(std::move(l)) {}
    leader(const leader&) = delete;
    leader& operator=(const leader&) = delete;
    ~leader() { finish(load::outcome::abandoned); }

    void finish(load::outcome how, std::exception_ptr why = {}) noexcept {
        if (!load_) return;
        if (how != load::outcome::done) core_.release(*load_);
        std::exchange(load_, nullptr)->finish(how, std::move(why));
    }

private:
    core& core_;
    std::shared_ptr<load> load_;
};

core::core(options o, clock& c, rng& r, loader l, weigher w)
    : options_(std::move(o)), clock_(c), rng_(r), loader_(std::move(l)), weigh_(std::move(w)), shards_(new shard[options_.shards]),
      hits_(telemetry::count("bv_cache_hits_total", "Keys answered by a cache, absent ones too", {{"cache", options_.name}})),
      misses_(telemetry::count("bv_cache_misses_total", "Keys that a cache had to load", {{"cache", options_.name}})),
      shared_(telemetry::count("bv_cache_shared_loads_total", "Keys that waited for a load in hand: stampedes avoided", {{"cache", options_.name}})),
      stale_(telemetry::count("bv_cache_stale_loads_total", "Loaded values not kept: invalidated while they were loaded", {{"cache", options_.name}})),
      evictions_(telemetry::count("bv_cache_evictions_total", "Entries that went for want of room", {{"cache", options_.name}})) {
    BV_ASSERT(options_.shards > 0 && options_.jitter >= 0 && options_.jitter <= 1);
    for (std::size_t i = 0; i < options_.shards; ++i)
        shards_[i].limit((options_.max_entries + options_.shards - 1) / options_.shards, options_.max_bytes / options_.shards);
    telemetry::observe("bv_cache_entries", "Entries in a cache", [this] { return static_cast<double>(stats().entries); }, {{"cache", options_.name}});
    telemetry::observe("bv_cache_bytes", "Bytes of a cache's keys and values", [this] { return static_cast<double>(stats().bytes); }, {{"cache", options_.name}});
}

core::~core() {
    telemetry::forget("bv_cache_entries", {{"cache", options_.name}});
    telemetry::forget("bv_cache_bytes", {{"cache", options_.name}});
}

shard& core::shard_of(std::string_view key) const noexcept {
    // Not the hash's low bits, which choose the bucket inside the shard.
    const auto h = std::hash<std::string_view>{}(key) * 0x9E3779B97F4A7C15ULL;
    return shards_[(h >> 32) % options_.shards];
}

std::optional<value> core::find(std::string_view key) {
    auto& s = shard_of(key);
    const auto now = clock_.steady_now();
    std::lock_guard lock(s.mutex);
    const auto* e = s.find(key, now);
    if (e == nullptr) return std::nullopt;
    hits_.add();
    return e->held;
}

std::shared_ptr<load> core::look_up(const std::vector<std::string>& keys, const std::vector<std::size_t>& wanted, values& out,
                                    std::vector<pending>& waits) {
    const auto now = clock_.steady_now();
    std::shared_ptr<load> mine;
    std::uint64_t hits = 0, shared = 0;
    for (const auto i : wanted) {
        auto& s = shard_of(keys[i]);
        std::lock_guard lock(s.mutex);
        if (const auto* e = s.find(keys[i], now)) {
            out[i] = e->held;
            ++hits;
        } else if (const auto f = s.flights.find(keys[i]); f != s.flights.end()) {
            waits.push_back({i, f->second.from, f->second.slot});
            if (f->second.from != mine) ++shared;
        } else {
            if (!mine) mine = std::make_shared<load>();
            const auto slot = mine->keys.size();
            mine->keys.push_back(keys[i]);
            s.flights.emplace(keys[i], shard::flight{mine, slot});
            waits.push_back({i, mine, slot});
        }
    }
    const std::uint64_t misses = mine ? mine->keys.size() : 0;
    hits_.add(hits);
    shared_.add(shared);
    misses_.add(misses);
    return mine;
}

task<value> core::get(std::string key) {
    if (auto hit = find(key)) co_return std::move(*hit);
    std::vector<std::string> one;
    one.push_back(std::move(key));
    auto found = co_await get_many(std::move(one));
    co_return std::move(found.front());
}

// What this caller loads itself comes first and waiting second, so that two callers that want each other's keys do not
// wait for each other.
task<core::values> core::get_many(std::vector<std::string> keys) {
    values out(keys.size());
    std::vector<std::size_t> wanted(keys.size());
    std::iota(wanted.begin(), wanted.end(), std::size_t{0});
    while (!wanted.empty()) {
        std::vector<pending> waits;
        if (auto mine = look_up(keys, wanted, out, waits)) co_await lead(std::move(mine));
        wanted.clear();
        for (auto& w : waits) {
            if (co_await w.from->wait())
                out[w.index] = w.from->found[w.slot];
            else
                wanted.push_back(w.index);
        }
    }
    co_return out;
}

task<void> core::lead(std::shared_ptr<load> l) {
    leader mine(*this, l);
    try {
        l->found = co_await loader_(l->keys);
        BV_ASSERT(l->found.size() == l->keys.size());
        keep(*l);
        mine.finish(load::outcome::done);
    } catch (...) {
        const auto why = current_error().code;
        if (why != code::cancelled && why != code::deadline_exceeded) mine.finish(load::outcome::failed, std::current_exception());
        throw;
    }
}

void core::keep(const load& l) {
    const auto now = clock_.steady_now();
    std::uint64_t stale = 0, evicted = 0;
    for (std::size_t i = 0; i < l.keys.size(); ++i) {
        const auto& held = l.found[i];
        const std::size_t bytes = held ? weigh_(held.get()) : 0;
        const std::chrono::duration<double, std::milli> life = (held ? options_.ttl : options_.absent_ttl) * (1 - options_.jitter * rng_.uniform());
        auto& s = shard_of(l.keys[i]);
        std::lock_guard lock(s.mutex);
        const auto f = s.flights.find(l.keys[i]);
        if (f == s.flights.end() || f->second.from.get() != &l) {
            ++stale;
            continue;
        }
        s.flights.erase(f);
        evicted += s.put(l.keys[i], held, bytes, now + std::chrono::duration_cast<std::chrono::nanoseconds>(life));
    }
    stale_.add(stale);
    evictions_.add(evicted);
}

void core::release(const load& l) noexcept {
    for (const auto& key : l.keys) {
        auto& s = shard_of(key);
        std::lock_guard lock(s.mutex);
        if (const auto f = s.flights.find(key); f != s.flights.end() && f->second.from.get() == &l) s.flights.erase(f);
    }
}

void core::invalidate(std::string_view key) {
    auto& s = shard_of(key);
    std::lock_guard lock(s.mutex);
    s.erase(key);
    if (const auto f = s.flights.find(key); f != s.flights.end()) s.flights.erase(f);
}

void core::clear() {
    for (std::size_t i = 0; i < options_.shards; ++i) {
        std::lock_guard lock(shards_[i].mutex);
        shards_[i].clear();
        shards_[i].flights.clear();  // what began before is neither joined nor kept
    }
}

statistics core::stats() const {
    statistics out;
    for (std::size_t i = 0; i < options_.shards; ++i) {
        std::lock_guard lock(shards_[i].mutex);
        out.entries += shards_[i].size();
        out.bytes += shards_[i].bytes();
    }
    out.hits = hits_.value();
    out.misses = misses_.value();
    out.shared_loads = shared_.value();
    out.stale_loads = stale_.value();
    out.evictions = evictions_.value();
    return out;
}

}  // namespace bv::cache
