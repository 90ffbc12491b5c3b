// The second level of a cache in Redis: a string a key, "P<change>:<bytes>", "A<change>:" for what does not exist, "C<change>:<claim>"
// while it is loaded, "D<change>:" once it was dropped. <change> is the latest change that it is known to be later than: who hears of
// that one later leaves it.
//
// Other processes hear of an invalidation once Redis has it, on the channel "<prefix>invalidated", as "<process> <key>".
//
// Staleness: an invalidation that cannot reach Redis is kept and sent again until it does; meanwhile this process reads past the
// second level for that key. One that is lost all the same (this process ends first, or a failover drops what the old master had
// not passed on) leaves the old value for at most `ttl`, and for a further time in the memory of whoever read it last.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "platform/cache/second_level.hpp"
#include "platform/core/clock.hpp"
#include "platform/storage/redis/client.hpp"

namespace bv::redis {

struct second_level_options {
    std::string name;                 // label in metrics: "products"
    std::string prefix;               // of the keys, with the version of what is stored: "bv:product:1:"
    milliseconds ttl{300'000};
    milliseconds absent_ttl{5'000};
    double jitter = 0.1;              // an entry lives ttl less a random part of up to this
    milliseconds claim{3'000};        // a load that takes longer is not stored
    milliseconds dropped{60'000};     // a process that hears of a change so much later than the first one drops the key again
    milliseconds patience{25};        // with another process that loads the same key, before loading it, too
    std::size_t most_owed = 100'000;  // invalidations that Redis does not have yet
};

class second_level final : public cache::second_level {
public:
    // Invalidations are sent on the home executor. All outlive it.
    second_level(second_level_options, client&, clock&, rng&, asio::any_io_executor home);
    ~second_level() override;

    task<std::vector<found>> get_many(std::vector<std::string> keys) override;
    task<void> put_many(std::vector<loaded>) override;
    void invalidate(std::string_view key) override { owe(key, 0); }
    void drop(std::string_view key, std::int64_t change) override { owe(key, change); }
    void watch(changes) override;
    // Invalidations that Redis does not have yet.
    [[nodiscard]] std::size_t owed() const;
    // After the client's: hears of other processes from now on.
    void start();
    // Before the client's. Waits a little for what is owed; the rest is left to the entries' time.
    task<void> stop();

private:
    void owe(std::string_view key, std::int64_t change);  // 0: one of this process, which the others are told
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::redis
