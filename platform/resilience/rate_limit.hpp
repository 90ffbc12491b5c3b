// Rate limits by key: token buckets, kept as one point in time each (the generic cell rate algorithm, ITU-T I.371), in
// a bounded map. For the RateLimit header fields (draft-ietf-httpapi-ratelimit-headers).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"

namespace bv::resilience {

struct rate_limit_options {
    std::string name;                 // label in metrics and the policy's name: "anonymous"
    std::uint32_t limit = 100;        // requests a window, and the burst allowed after silence
    milliseconds window{60'000};
    std::size_t most_keys = 100'000;  // beyond it the keys with least use give way
};

struct rate_decision {
    bool allowed = false;
    std::uint32_t limit = 0;
    std::uint32_t remaining = 0;    // further requests allowed right now
    milliseconds reset{};           // until the whole limit is there again
    milliseconds retry_after{};     // until one request is allowed; 0 when allowed
    // RESOURCE_EXHAUSTED "RATE_LIMITED" with retry_after when refused.
    [[nodiscard]] result<void> outcome() const;
};

// Counts that several processes keep together, outside of them.
class shared_limits {
public:
    virtual ~shared_limits() = default;
    // Spends one request of a key there. nullopt: they are out of reach, and a process's own limit has to do.
    virtual task<std::optional<rate_decision>> take(const rate_limit_options&, std::string key) = 0;
};

// Thread-safe: keys are spread over shards, each with its own lock.
class rate_limiter {
public:
    explicit rate_limiter(rate_limit_options);
    ~rate_limiter();

    // Spends one request of a key ("user:…", "ip:…"). now: clock::steady_now().
    [[nodiscard]] rate_decision take(std::string_view key, steady_point now);
    // What take() would say, without spending anything. Of this process alone.
    [[nodiscard]] rate_decision look(std::string_view key, steady_point now) const;
    // As take(), and then among all processes when `others` is not null. Refused by either is refused: what this process alone
    // refuses costs the others nothing, and while they are out of reach its own count goes on from where it is.
    task<rate_decision> take(std::string key, steady_point now, shared_limits* others);
    // Keys remembered, at most most_keys (rounded up to the shards).
    [[nodiscard]] std::size_t size() const;

private:
    struct shard;
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::resilience
