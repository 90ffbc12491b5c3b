// outbox_reader in PostgreSQL, as the role bv_log.
#pragma once

#include "platform/events/outbox_reader.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

class pg_outbox_reader final : public outbox_reader {
public:
    explicit pg_outbox_reader(pg::database& d) noexcept : database_(d) {}

    // platform.outbox_heads. A transaction of its own: age(), which it rests on, reads the server's counter once per
    // transaction.
    task<heads_probe> probe(std::vector<std::string> sources) override;
    task<std::vector<open_transaction>> who_runs(std::int64_t xid) override;
    task<std::vector<event_ptr>> fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit) override;
    task<std::int64_t> last_row(std::string source, std::int64_t upto) override;
    task<void> register_group(std::string group, std::string source, std::string consumer) override;
    task<std::int64_t> prune(std::string source, time_point cutoff, std::int32_t limit) override;

private:
    pg::database& database_;
};

}  // namespace bv::events
