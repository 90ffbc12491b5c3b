// A consumer that counts, and has no key by which it would know an event again: what other consumers make good shows in it. Every
// process is one instance of its group, so that whoever dies or stands still is followed by another.
#pragma once

#include <cstdint>
#include <span>

#include "platform/events/log.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::sim {

// How often each event of a source was applied, by its position.
struct tallies {
    memory::table<std::int64_t, int> applied{};
};

// All outlive the subscription. Its group is "tally".
[[nodiscard]] events::subscription tally(tallies&, std::string source, storage::transactor& store, storage::lease_store& leases);

}  // namespace bv::sim
