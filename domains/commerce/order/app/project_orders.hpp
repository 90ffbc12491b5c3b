// The read models: each row is what the fold of a stream says, with the version it was folded to.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "domains/commerce/order/app/environment.hpp"
#include "platform/events/event.hpp"

namespace bv::order {

// The rows of an order.
[[nodiscard]] projected_order to_projection(const order&);
// What it adds to its day: paid orders, less what came back; a cancelled one adds nothing.
[[nodiscard]] sales sales_of(const order&) noexcept;
// The day it counts for, in UTC.
[[nodiscard]] std::chrono::sys_days sales_day(const order&) noexcept;

// The outbox's own event types that tell of a change of an order.
[[nodiscard]] std::vector<std::string> projected_types();

// Projects the orders that the events are about, as their streams are now: repeats and reordering do no harm.
task<void> project_orders(const environment&, storage::unit_of_work&, std::span<const bv::events::event>);

struct rebuilt {
    std::int64_t orders = 0;
    std::int64_t events = 0;
};

// Empties the read models and folds every stream from its first event, in batches of `batch` orders, one transaction each.
// The service may run meanwhile: its own consumer and this take turns, and newer rows are left as they are. Lists are
// incomplete until it ends; reads of single orders are not affected. `report` is called after each batch.
task<rebuilt> rebuild_projections(const environment&, std::function<void(const rebuilt&)> report = {}, std::int64_t batch = 256);

}  // namespace bv::order
