// Cancels orders whose saga waits too long.
#pragma once

#include <cstdint>

#include "domains/commerce/order/app/environment.hpp"

namespace bv::order {

// One transaction of at most `limit` orders; several processes share the work. The number of steps taken, so call again
// while it is `limit`. An answer that comes at the same moment wins or loses as a whole.
task<std::int64_t> time_out_orders(const environment&, std::int64_t limit = 64);

}  // namespace bv::order
