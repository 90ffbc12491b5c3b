// Leases in a service's schema (table made by platform.create_leases). Times are the server's.
#pragma once

#include <string_view>

#include "platform/storage/lease.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

// Thread-safe. The database must outlive it.
class lease_store final : public storage::lease_store {
public:
    lease_store(database&, std::string_view schema);

    task<std::expected<storage::lease, storage::lease_taken>> acquire(std::string name, std::string owner, milliseconds life,
                                                                      std::string gone = {}) override;
    task<bool> renew(storage::lease, milliseconds life) override;
    task<void> release(storage::lease) override;
    task<void> confirm(storage::unit_of_work&, const storage::lease&) override;

private:
    database& database_;
    statement look_, add_, take_, renew_, release_, confirm_;
};

}  // namespace bv::pg
