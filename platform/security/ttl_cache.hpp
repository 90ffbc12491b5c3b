// A bounded cache of what a credential's digest was found to mean, each entry for a short time.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "platform/core/clock.hpp"
#include "platform/security/digest.hpp"

namespace bv::security {

// Thread-safe; one short lock of one of 16 shards a call. Value is cheap to copy: a shared_ptr. Keys are digests of secrets,
// so that none is kept, and evenly spread, so that any entry is as good as another to leave when a shard is full.
template <class Value>
class ttl_cache {
public:
    explicit ttl_cache(std::size_t max_entries) : bound_(std::max<std::size_t>(1, max_entries / shards)) {}

    [[nodiscard]] std::optional<Value> find(const digest& key, time_point now) {
        shard& s = shards_[key[0] % shards];
        const std::scoped_lock lock(s.mutex);
        const auto found = s.entries.find(key);
        if (found == s.entries.end()) return std::nullopt;
        if (now < found->second.expires_at) return found->second.value;
        s.entries.erase(found);
        return std::nullopt;
    }
    void put(const digest& key, Value value, time_point expires_at) {
        shard& s = shards_[key[0] % shards];
        const std::scoped_lock lock(s.mutex);
        if (s.entries.size() >= bound_ && !s.entries.contains(key)) s.entries.erase(s.entries.begin());
        s.entries.insert_or_assign(key, entry{std::move(value), expires_at});
    }
    void erase(const digest& key) {
        shard& s = shards_[key[0] % shards];
        const std::scoped_lock lock(s.mutex);
        s.entries.erase(key);
    }
    [[nodiscard]] std::size_t size() const {
        std::size_t total = 0;
        for (const shard& s : shards_) {
            const std::scoped_lock lock(s.mutex);
            total += s.entries.size();
        }
        return total;
    }

private:
    static constexpr std::size_t shards = 16;
    struct entry {
        Value value;
        time_point expires_at;
    };
    struct digest_hash {
        std::size_t operator()(const digest& d) const noexcept {
            std::size_t h = 0;
            std::memcpy(&h, d.data() + 8, sizeof h);
            return h;
        }
    };
    struct shard {
        mutable std::mutex mutex;
        std::unordered_map<digest, entry, digest_hash> entries;
    };
    std::size_t bound_;
    std::array<shard, shards> shards_;
};

}  // namespace bv::security
