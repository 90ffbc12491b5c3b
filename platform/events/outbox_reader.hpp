// What the event log asks of the outboxes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/events/event.hpp"
#include "platform/events/horizon_watch.hpp"

namespace bv::events {

using event_ptr = std::shared_ptr<const event>;

// One look at where the outboxes end; see horizon.hpp.
struct heads_probe {
    std::vector<std::int64_t> heads;  // in the order of the sources asked for
    std::int64_t snapshot_xmin = 0;
    std::int64_t next_xid = 0;
    std::string epoch;
};

// Thread-safe. Calls throw failure, UNAVAILABLE while the store is away.
class outbox_reader {
public:
    virtual ~outbox_reader() = default;

    virtual task<heads_probe> probe(std::vector<std::string> sources) = 0;
    // Who runs the transaction of this id, an earlier snapshot_xmin. None when it has ended.
    virtual task<std::vector<open_transaction>> who_runs(std::int64_t xid) = 0;
    // Rows with after < position <= upto in position order, at most limit.
    virtual task<std::vector<event_ptr>> fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit) = 0;
    // The position of the last row at or below upto; 0 when there is none.
    virtual task<std::int64_t> last_row(std::string source, std::int64_t upto) = 0;

    // Makes retention wait for the group from now on, whether or not it runs.
    virtual task<void> register_group(std::string group, std::string source, std::string consumer) = 0;
    // Deletes one small batch of events older than cutoff that every registered group has passed; how many.
    virtual task<std::int64_t> prune(std::string source, time_point cutoff, std::int32_t limit) = 0;
};

}  // namespace bv::events
