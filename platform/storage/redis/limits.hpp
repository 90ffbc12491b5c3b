// Rate limits that several processes keep together: the generic cell rate algorithm in one script, by the server's clock.
//
// A caller far from its limit spends in advance: one call takes up to `most_in_advance` requests, which this process then lets pass
// without asking. Near the limit it asks each time. What is not used within a second is lost to the caller: never more than 1/64 of
// what it had left.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <unordered_map>

#include "platform/core/clock.hpp"
#include "platform/resilience/rate_limit.hpp"
#include "platform/storage/redis/client.hpp"

namespace bv::redis {

// Thread-safe.
class shared_limits final : public resilience::shared_limits {
public:
    static constexpr std::uint32_t most_in_advance = 32;

    // prefix: of the keys, "bv:limit:". Both outlive it.
    shared_limits(client&, clock&, std::string prefix);
    task<std::optional<resilience::rate_decision>> take(const resilience::rate_limit_options&, std::string key) override;

private:
    // What a caller has left of what was taken for it.
    struct advance {
        std::uint32_t left = 0;
        std::uint32_t remaining = 0;  // in all, after those that are left
        steady_point until{};
        milliseconds reset{};
    };
    struct shard {
        std::mutex mutex;
        std::unordered_map<std::string, advance> held;
    };
    [[nodiscard]] shard& shard_of(const std::string& name) { return shards_[std::hash<std::string>{}(name) % shards_.size()]; }
    // A decision from what is held; else how many to ask for.
    [[nodiscard]] std::optional<resilience::rate_decision> spend(const std::string& name, std::uint32_t limit, std::uint32_t& ask_for);
    void keep(const std::string& name, advance);

    client& redis_;
    clock& clock_;
    const std::string prefix_;
    std::array<shard, 16> shards_;
};

}  // namespace bv::redis
