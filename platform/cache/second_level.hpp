// What the processes of a platform cache together, behind the caches in their memory: bytes by key.
//
// Who finds nothing gets a claim: the right to store what it loads. One claim a key at a time, and an invalidation ends it. So a
// process that loaded a value before it was changed cannot store it after (Nishtala and others, "Scaling Memcache at Facebook",
// NSDI 2013, "Leases"), and of all processes that miss a key at the same time, one loads it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/task.hpp"

namespace bv::cache {

// Thread-safe.
class second_level {
public:
    struct found {
        enum class state : unsigned char {
            missing,  // load it; with a claim, store it
            absent,   // known not to exist
            present,
        };
        state is = state::missing;
        std::string bytes{};
        std::string claim{};
    };
    struct loaded {
        std::string key;
        std::string claim;
        std::optional<std::string> bytes;  // none: it does not exist
    };

    virtual ~second_level() = default;
    // One a key, in their order. Whatever is wrong with the store: missing, without a claim.
    virtual task<std::vector<found>> get_many(std::vector<std::string> keys) = 0;
    // Stores each unless its claim has ended. What cannot be stored is left.
    virtual task<void> put_many(std::vector<loaded>) = 0;
    // The value was changed: from now on this process does not take the old one from here, and others do not soon. Does not wait.
    virtual void invalidate(std::string_view key) = 0;
    // The same of a change that every process hears of by itself: the others are not told. `change` grows with each change of the key;
    // what was loaded after one process dropped it is not dropped again by the others.
    virtual void drop(std::string_view key, std::int64_t change) = 0;

    // What the level in memory of another process must know. Called on any thread.
    struct changes {
        std::function<void(std::string_view key)> invalidated;  // by another process
        std::function<void()> missed;                           // some may have been
    };
    // Once, before it starts.
    virtual void watch(changes) = 0;
};

}  // namespace bv::cache
