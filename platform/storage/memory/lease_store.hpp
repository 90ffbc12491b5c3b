// Leases as tables of a memory database: for simulation and tests; one thread.
#pragma once

#include <cstdint>
#include <string>

#include "platform/storage/lease.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::memory {

// Of one service.
struct leases {
    struct row {
        std::string owner{};
        std::int64_t fence = 0;
        steady_point expires_at{};
    };
    // Locked by who takes a lease over and by effects under it; not by renewals, which write `rows` only.
    table<std::string, row> guards{};
    table<std::string, row> rows{};
};

// Times are the clock's steady ones, which all processes share.
class lease_store final : public storage::lease_store {
public:
    // All outlive it.
    lease_store(storage::transactor& db, leases& tables, clock& c) : db_(db), tables_(tables), clock_(c) {}

    task<std::expected<storage::lease, storage::lease_taken>> acquire(std::string name, std::string owner, milliseconds life,
                                                                      std::string gone = {}) override;
    task<bool> renew(storage::lease, milliseconds life) override;
    task<void> release(storage::lease) override;
    task<void> confirm(storage::unit_of_work&, const storage::lease&) override;

private:
    using taken = std::expected<storage::lease, storage::lease_taken>;
    task<taken> take(transaction&, storage::lease wanted, milliseconds life, std::string gone);
    task<bool> expire(transaction&, storage::lease, steady_point at);

    storage::transactor& db_;
    leases& tables_;
    clock& clock_;
};

}  // namespace bv::memory
