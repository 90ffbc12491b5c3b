// Checks the order service's invariants on its store: what `verify` reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domains/commerce/order/app/environment.hpp"

namespace bv::order {

struct violation {
    std::string rule;  // "stream.gapless", "stream.legal", "snapshot.fold", "summary.fold", "detail.fold", "sales.fold", "order.final"
    std::string id;    // order id, or "2026-01-31 GBP" for sales
    std::string what;  // for people
};

struct check_result {
    std::int64_t orders = 0;
    std::int64_t events = 0;
    std::int64_t under_way = 0;  // not final: no violation by itself
    std::int64_t behind = 0;     // read model rows at an older version: compared with the fold to that version
    std::int64_t violation_count = 0;
    std::vector<violation> violations;  // the first ones
};

// In one snapshot of the store, so it may run beside the service. Streams: gapless, legal walks, equal to what loading gives.
// Read models: each row equals the fold of its stream to the row's version, each day's sales the sum of its orders.
task<check_result> check_orders(const environment&, std::size_t max_violations = 20, std::int64_t batch = 512);

}  // namespace bv::order
