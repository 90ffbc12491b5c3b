// How far the relay of each source is: platform.event_relay.
#pragma once

#include <cstdint>
#include <string>

#include "platform/core/task.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::events::kafka {

class relay_store {
public:
    // The database as the role bv_log; it outlives this.
    explicit relay_store(pg::database& d) noexcept : database_(d) {}

    // The position, and from now on only owners of this fence and later ones may move it. Throws failure ABORTED "RELAY_FENCED"
    // when a later one was there.
    task<std::int64_t> begin(std::string source, std::int64_t fence);
    // Everything up to `to` is in the log for good. Throws failure ABORTED "RELAY_FENCED" when another relay moved it since, or may.
    task<void> advance(std::string source, std::int64_t fence, std::int64_t from, std::int64_t to);
    // Throws what advance() does when it would.
    task<void> confirm(std::string source, std::int64_t fence, std::int64_t position);
    // All of the outbox is to be sent again; whoever relays notices at its next advance() or confirm(). False: nothing was sent yet.
    task<bool> rewind(std::string source);

private:
    pg::database& database_;
};

}  // namespace bv::events::kafka
