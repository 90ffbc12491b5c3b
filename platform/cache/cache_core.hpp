// What loading_cache<T> is made of, without the type. Private to cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/cache/shard.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::cache {

struct options {
    std::string name;                              // label in metrics: "products"
    std::size_t max_entries = 100'000;             // over all shards
    std::size_t max_bytes = 64 * 1024 * 1024;      // keys and values as weighed, over all shards
    std::size_t shards = 16;
    milliseconds ttl{300'000};
    milliseconds absent_ttl{5'000};                // of keys that the loader does not know
    double jitter = 0.1;                           // an entry lives ttl less a random part of up to this
};

struct statistics {
    std::size_t entries = 0, bytes = 0;
    // Since the process began, of all caches of this name.
    std::uint64_t hits = 0;          // absent keys that were remembered too
    std::uint64_t misses = 0;        // keys that were loaded
    std::uint64_t shared_loads = 0;  // keys that waited for a load in hand instead of loading again
    std::uint64_t stale_loads = 0;   // loaded values not kept, because they were invalidated meanwhile
    std::uint64_t evictions = 0;     // for want of room
};

class core {
public:
    using values = std::vector<value>;
    using loader = std::function<task<values>(std::vector<std::string>)>;
    using weigher = std::function<std::size_t(const void*)>;

    core(options, clock&, rng&, loader, weigher);
    ~core();
    core(const core&) = delete;
    core& operator=(const core&) = delete;

    task<value> get(std::string key);
    task<values> get_many(std::vector<std::string> keys);
    void invalidate(std::string_view key);
    void clear();
    [[nodiscard]] statistics stats() const;

private:
    struct pending {
        std::size_t index;  // into keys and out
        std::shared_ptr<load> from;
        std::size_t slot;   // into from->keys
    };
    class leader;

    shard& shard_of(std::string_view key) const noexcept;
    std::optional<value> find(std::string_view key);
    // Fills hits of `wanted` into out; gives the load that this caller must do, if any, and what it waits for.
    std::shared_ptr<load> look_up(const std::vector<std::string>& keys, const std::vector<std::size_t>& wanted, values& out,
                                  std::vector<pending>& waits);
    task<void> lead(std::shared_ptr<load>);
    void keep(const load&);
    void release(const load&) noexcept;

    const options options_;
    clock& clock_;
    rng& rng_;
    const loader loader_;
    const weigher weigh_;
    std::unique_ptr<shard[]> shards_;
    telemetry::counter &hits_, &misses_, &shared_, &stale_, &evictions_;
};

}  // namespace bv::cache
