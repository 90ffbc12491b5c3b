// What the event log asks of the outbox tables, as the role bv_log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/events/event.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events {

using event_ptr = std::shared_ptr<const event>;

// One probe of platform.outbox_heads; see horizon.hpp.
struct heads_probe {
    std::vector<std::int64_t> heads;  // in the order of the sources asked for
    std::int64_t snapshot_xmin = 0;
    std::int64_t next_xid = 0;
    std::string epoch;
};

// Thread-safe. Calls throw failure, UNAVAILABLE while the database is away.
class outbox_reader {
public:
    explicit outbox_reader(pg::database& d) noexcept : database_(d) {}

    // Must be a transaction of its own: age(), which it rests on, reads the server's counter once per transaction.
    task<heads_probe> probe(std::vector<std::string> sources);
    // Rows with after < position <= upto in position order, at most limit.
    task<std::vector<event_ptr>> fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit);
    // The position of the last row at or below upto; 0 when there is none.
    task<std::int64_t> last_row(std::string source, std::int64_t upto);

    // Makes retention wait for the group from now on, whether or not it runs.
    task<void> register_group(std::string group, std::string source, std::string consumer);
    // Deletes one small batch of events older than cutoff that every registered group has passed; how many.
    task<std::int64_t> prune(std::string source, time_point cutoff, std::int32_t limit);

private:
    pg::database& database_;
};

}  // namespace bv::events
