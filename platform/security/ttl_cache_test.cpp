#include "platform/security/ttl_cache.hpp"

#include <string>

#include <gtest/gtest.h>

namespace bv::security {
namespace {

const time_point noon{seconds(1'700'000'000)};

TEST(ttl_cache, gives_back_until_it_is_time) {
    ttl_cache<int> cache(64);
    const auto key = sha256("a");
    EXPECT_FALSE(cache.find(key, noon));
    cache.put(key, 1, noon + seconds(30));
    EXPECT_EQ(cache.find(key, noon + seconds(29)), 1);
    cache.put(key, 2, noon + seconds(40));
    EXPECT_EQ(cache.find(key, noon + seconds(30)), 2);
    EXPECT_FALSE(cache.find(key, noon + seconds(40)));
    EXPECT_EQ(cache.size(), 0u);
}

TEST(ttl_cache, forgets_what_is_erased_and_keeps_its_bound) {
    ttl_cache<int> cache(64);
    const auto key = sha256("a");
    cache.put(key, 1, noon + seconds(30));
    cache.erase(key);
    EXPECT_FALSE(cache.find(key, noon));
    for (int i = 0; i < 1'000; ++i) cache.put(sha256(std::to_string(i)), i, noon + seconds(30));
    EXPECT_LE(cache.size(), 64u);
    EXPECT_EQ(cache.find(sha256("999"), noon), 999) << "the newest is kept";
}

}  // namespace
}  // namespace bv::security
