// What the process shares with others through Redis, where there is one: the second level of caches, limits, finished answers.
// Everything here can be done without.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/core/config.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/redis/client.hpp"
#include "platform/storage/redis/early_answers.hpp"
#include "platform/storage/redis/limits.hpp"
#include "platform/storage/redis/second_level.hpp"

namespace bv::app {

class shared_store {
public:
    // endpoints: not empty. Throws failure INVALID_ARGUMENT "REDIS_ENDPOINT". The others outlive it.
    shared_store(const std::vector<std::string>& endpoints, const config&, bv::runtime&, clock&, rng&);

    // Starts also while Redis is away, and is ready then: `bv status` says so.
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] cache::second_level& products() noexcept { return products_; }
    [[nodiscard]] resilience::shared_limits& limits() noexcept { return limits_; }
    [[nodiscard]] resilience::early_answers& answers() noexcept { return answers_; }

private:
    task<void> start();
    task<void> stop();
    redis::client client_;
    redis::second_level products_;
    redis::shared_limits limits_;
    redis::early_answers answers_;
};

}  // namespace bv::app
