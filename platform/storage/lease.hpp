// Leases: one owner of a name at a time, for a time, under a fence that only grows.
//
// A lease alone cannot keep a second owner away: a process that stands still for longer than its lease (SIGSTOP, a paused
// machine) wakes up in the belief that it still holds it. So every effect carries the fence, and what the effect is made on
// refuses a fence that is lower than one it has seen (Kleppmann, "How to do distributed locking", 2016). Here the effect's
// own transaction asks: confirm() below for any unit of work, or a fence kept beside the data, as a consumer group does with
// its position.
//
//   const auto mine = co_await leases.acquire("orders:time-outs", owner, milliseconds(9'000));
//   if (mine) co_await db.run({…}, [&](auto& uow) { co_await leases.confirm(uow, *mine); …the effect… });
//
// leased_job.hpp runs work for as long as a lease is held.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::storage {

struct lease {
    std::string name;        // what is owned: "events:orders-saga:payment"
    std::string owner;       // one run of one process: process_identity(), or in tests any text
    std::int64_t fence = 0;  // higher than any that was given out for the name before
};

// Who has it instead.
struct lease_taken {
    std::string owner{};   // empty: not known, it changed hands just now
    milliseconds left{0};  // until it runs out, unless it is renewed
};

// Where leases are kept: with the data that they guard, so that a transaction can ask. Times are the store's own, never
// the caller's clock. Thread-safe. Every call throws failure UNAVAILABLE when the store is away.
class lease_store {
public:
    virtual ~lease_store() = default;

    // Takes a lease that nobody has, that has run out, that `owner` has already, or that `gone` has: an owner that the
    // caller knows to be dead. Each success is a new fence.
    virtual task<std::expected<lease, lease_taken>> acquire(std::string name, std::string owner, milliseconds life, std::string gone = {}) = 0;
    // `life` from now on. False when it is another's: it ran out, and somebody took it.
    virtual task<bool> renew(lease, milliseconds life) = 0;
    // The next one may have it at once. Nothing happens when it is another's.
    virtual task<void> release(lease) = 0;

    // In the transaction of an effect: nobody takes the lease until the transaction has ended, so the effect is the owner's.
    // Throws failure ABORTED lease_lost when it is another's already. Renewals are not kept waiting.
    virtual task<void> confirm(unit_of_work&, const lease&) = 0;

    static constexpr std::string_view lease_lost = "LEASE_LOST";
};

// What confirm() throws.
[[nodiscard]] failure lease_lost(const lease&);

}  // namespace bv::storage
