// The audit trail as the contract shows it: read-only. It is written by triggers (migrations/0001_audit.sql).
#pragma once

#include "bitvelocity/audit/v1/audit.bv.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::audit {

namespace contract = bitvelocity::audit::v1;

class api final : public contract::audit_service {
public:
    explicit api(pg::database& db) : db_(db) {}
    task<result<contract::ListAuditEntriesResponse>> list_audit_entries(rpc::context&, contract::ListAuditEntriesRequest) override;
    task<result<contract::CountValuesResponse>> count_values(rpc::context&, contract::CountValuesRequest) override;

private:
    pg::database& db_;
};

// Makes the partitions of this month and the `ahead` next ones; gives how many were missing.
task<std::int64_t> ensure_partitions(pg::database&, int ahead);

}  // namespace bv::audit
