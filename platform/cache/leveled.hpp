// A loader that asks a second level before the source, for a loading_cache in front of both.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/cache/loading_cache.hpp"
#include "platform/cache/second_level.hpp"
#include "platform/core/assert.hpp"

namespace bv::cache {

template <class T>
struct codec {
    std::function<std::string(const T&)> encode;
    // Null: these bytes are no such value; it is loaded.
    std::function<std::shared_ptr<const T>(std::string_view)> decode;
};

namespace detail {

template <class T>
task<std::vector<std::shared_ptr<const T>>> load_leveled(second_level* second, const typename loading_cache<T>::loader* source, const codec<T>* as,
                                                         std::vector<std::string> keys) {
    using state = second_level::found::state;
    auto there = co_await second->get_many(keys);
    BV_ASSERT(there.size() == keys.size());
    std::vector<std::shared_ptr<const T>> out(keys.size());
    std::vector<std::size_t> rest;
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (there[i].is == state::absent) continue;
        if (there[i].is == state::present) out[i] = as->decode(there[i].bytes);
        if (out[i]) continue;
        rest.push_back(i);
        missing.push_back(keys[i]);
    }
    if (rest.empty()) co_return out;
    auto fresh = co_await (*source)(std::move(missing));
    BV_ASSERT(fresh.size() == rest.size());
    std::vector<second_level::loaded> to_store;
    for (std::size_t n = 0; n < rest.size(); ++n) {
        auto& at = out[rest[n]] = std::move(fresh[n]);
        auto& claim = there[rest[n]].claim;
        if (claim.empty()) continue;
        to_store.push_back({std::move(keys[rest[n]]), std::move(claim), at ? std::optional(as->encode(*at)) : std::nullopt});
    }
    if (!to_store.empty()) co_await second->put_many(std::move(to_store));
    co_return out;
}

}  // namespace detail

// second may be null: then it is the source. It outlives the loader.
template <class T>
[[nodiscard]] typename loading_cache<T>::loader behind(second_level* second, typename loading_cache<T>::loader source, codec<T> as) {
    if (second == nullptr) return source;
    return [second, from = std::move(source), how = std::move(as)](std::vector<std::string> keys) {
        return detail::load_leveled<T>(second, &from, &how, std::move(keys));  // the cache keeps this function
    };
}

}  // namespace bv::cache
