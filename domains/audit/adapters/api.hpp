// The audit trail as the contract shows it: read-only. It is written by triggers (migrations/0001_audit.sql).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bitvelocity/audit/v1/audit.bv.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::audit {

namespace contract = bitvelocity::audit::v1;

class api final : public contract::audit_service {
public:
    explicit api(pg::database& db) : db_(db) {}
    task<result<contract::ListAuditEntriesResponse>> list_audit_entries(rpc::context&, contract::ListAuditEntriesRequest) override;

private:
    pg::database& db_;
};

// Makes the partitions of this month and the `ahead` next ones; gives how many were missing.
task<std::int64_t> ensure_partitions(pg::database&, int ahead);

// Counts values of binary columns by their first bytes, in old and new images.
task<std::map<std::string, std::int64_t>> values_by_head(pg::database&, std::string table, std::vector<std::string> columns, int bytes);

}  // namespace bv::audit
