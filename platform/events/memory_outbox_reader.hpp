// outbox_reader over memory_schemas.
#pragma once

#include "platform/events/memory_log_storage.hpp"

namespace bv::events {

class memory_outbox_reader final : public outbox_reader {
public:
    memory_outbox_reader(memory::database& d, memory_schemas& s, storage::transactor& reads) : database_(d), schemas_(s), reads_(reads) {}

    task<heads_probe> probe(std::vector<std::string> sources) override;
    task<std::vector<open_transaction>> who_runs(std::int64_t xid) override;
    task<std::vector<event_ptr>> fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit) override;
    task<std::int64_t> last_row(std::string source, std::int64_t upto) override;
    task<void> register_group(std::string group, std::string source, std::string consumer) override;
    task<std::int64_t> prune(std::string source, time_point cutoff, std::int32_t limit) override;

private:
    task<heads_probe> probe_in(storage::unit_of_work&, std::vector<std::string> sources);
    task<std::vector<event_ptr>> fetch_in(storage::unit_of_work&, std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit);
    task<std::int64_t> last_row_in(storage::unit_of_work&, std::string source, std::int64_t upto);
    task<std::int64_t> prune_in(storage::unit_of_work&, std::string source, time_point cutoff, std::int32_t limit);

    memory::database& database_;
    memory_schemas& schemas_;
    storage::transactor& reads_;
};

}  // namespace bv::events
