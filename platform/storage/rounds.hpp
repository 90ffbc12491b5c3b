// Work that is due once in a while, and that any process may do: of all that ask within that time, the first does it.
#pragma once

#include <functional>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/lease.hpp"

namespace bv::storage {

// Does the work if no other process has done it within `every`, and throws what it throws: then the next one may try at once. The work
// must not harm when it is done twice: a process that stands still in it is followed by another, and one that has ended, which may have
// been before the work was done, by the next that asks.
// A lease without renewals: such work is short, and a row that is written every three seconds for an hour would cost more than it.
task<void> once_in(lease_store&, std::string name, milliseconds every, std::function<task<void>()> work);

}  // namespace bv::storage
