// A cache in the process that loads what it does not hold.
//
//   cache::loading_cache<product> products({.name = "products"}, clock, rng, load_products, weigh_product);
//   std::shared_ptr<const product> p = co_await products.get("KETTLE-1");   // null: there is none
//   products.invalidate("KETTLE-1");                                        // after the commit of a change
//
// One load a key at a time, whatever the number of callers and cores; the others wait for it without blocking a thread.
// Keys that the loader does not know are remembered for a short time. Bounded in entries and bytes.
//
// Consistency: a get() that begins after an invalidate() returned sees what the store held at that moment or later: a
// load that began before is neither joined nor kept. Who invalidates after commit reads its own writes.
#pragma once

#include <iterator>
#include <utility>

#include "platform/cache/cache_core.hpp"

namespace bv::cache {

// Thread-safe, when clock and rng are. Everything given outlives the cache, and the cache every call of it.
template <class T>
class loading_cache {
public:
    using pointer = std::shared_ptr<const T>;
    // One value a key, in the keys' order; null for a key that does not exist. Runs on the executor of the first caller that
    // misses. What it throws goes to all who wait and is not remembered; cancellation and DEADLINE_EXCEEDED, which are
    // that caller's own, make another caller load.
    using loader = std::function<task<std::vector<pointer>>(std::vector<std::string>)>;
    // Bytes of a value, roughly.
    using weigher = std::function<std::size_t(const T&)>;

    loading_cache(options o, clock& c, rng& r, loader load_keys, weigher weigh)
        : core_(
              std::move(o), c, r, [l = std::move(load_keys)](std::vector<std::string> keys) { return erased(l, std::move(keys)); },
              [w = std::move(weigh)](const void* p) { return w(*static_cast<const T*>(p)); }) {}

    // Null: there is none. Throws what the loader throws.
    task<pointer> get(std::string key) { co_return std::static_pointer_cast<const T>(co_await core_.get(std::move(key))); }
    // One a key, in their order. All that is missing is loaded in one call of the loader.
    task<std::vector<pointer>> get_many(std::vector<std::string> keys) {
        auto found = co_await core_.get_many(std::move(keys));
        std::vector<pointer> out;
        out.reserve(found.size());
        for (auto& v : found) out.push_back(std::static_pointer_cast<const T>(std::move(v)));
        co_return out;
    }
    void invalidate(std::string_view key) { core_.invalidate(key); }
    void clear() { core_.clear(); }
    [[nodiscard]] statistics stats() const { return core_.stats(); }

private:
    // The core keeps the function that it passes by reference alive.
    static task<core::values> erased(const loader& l, std::vector<std::string> keys) {
        auto typed = co_await l(std::move(keys));
        co_return core::values(std::make_move_iterator(typed.begin()), std::make_move_iterator(typed.end()));
    }
    core core_;
};

}  // namespace bv::cache
