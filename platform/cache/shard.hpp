// One part of a cache with its lock: bounded entries, and the loads in hand. Private to cache.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/cache/load.hpp"
#include "platform/core/clock.hpp"

namespace bv::cache {

// Evicts by SIEVE (Zhang and others, NSDI 2024): a hit only marks its entry, the hand clears marks on its way from
// the oldest to the newest and takes the first entry that has none. A scan of many keys does not push out the used ones.
// Not thread-safe: hold `mutex`.
class shard {
public:
    struct entry {
        std::string key;
        value held;  // null: known to be absent
        std::size_t bytes;
        steady_point expires;
        bool visited = false;
    };
    struct flight {
        std::shared_ptr<load> from;
        std::size_t slot;
    };

    std::mutex mutex;
    // The load in hand of each key. A load whose flight is gone was invalidated: its value is not kept.
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    std::unordered_map<std::string, flight, hash, std::equal_to<>> flights;

    void limit(std::size_t entries, std::size_t bytes) noexcept {
        max_entries_ = entries;
        max_bytes_ = bytes;
    }
    // The entry, marked as used; null when there is none. One that has expired is removed.
    const entry* find(std::string_view key, steady_point now);
    // Replaces; gives how many entries had to go. What is larger than the whole shard is not kept.
    std::size_t put(std::string key, value, std::size_t bytes, steady_point expires);
    void erase(std::string_view key);
    void clear();
    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    using position = std::list<entry>::iterator;
    void remove(position);
    void evict();

    std::list<entry> order_;  // the newest first
    std::unordered_map<std::string_view, position> index_;
    position hand_ = order_.end();
    std::size_t bytes_ = 0, max_entries_ = 0, max_bytes_ = 0;
};

}  // namespace bv::cache
