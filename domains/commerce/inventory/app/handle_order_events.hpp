// What the inventory does about orders: reserve, commit, give back, restock. One transaction for a whole batch.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "domains/commerce/inventory/app/ports.hpp"
#include "platform/core/clock.hpp"
#include "platform/events/event.hpp"
#include "platform/events/outbox.hpp"

namespace bv::inventory {

struct reservation_options {
    seconds hold{900};  // how long stock is held for an order that is not confirmed
};

// What an order event asks of the inventory.
struct placed {
    order_id order;
    std::vector<reserved_line> lines;
};
struct confirmed {
    order_id order;
};
struct release_requested {
    order_id order;
};
struct returned {
    order_id order;
    std::vector<reserved_line> lines;
};
using order_step = std::variant<placed, confirmed, release_requested, returned>;

class order_event_handler {
public:
    order_event_handler(stock_store&, events::outbox&, clock&, rng&, reservation_options);
    // The event types this consumes, all of the order service.
    [[nodiscard]] static std::vector<std::string> types();
    // Applies a batch in order, in a constant number of statements.
    task<void> handle(storage::unit_of_work&, std::span<const events::event>);
    // Gives back what is overdue; returns how many reservations expired.
    task<int> expire_due(storage::unit_of_work&, int limit);

private:
    std::optional<events::outgoing> take(stock_book&, order_step&, time_point expires_at);
    task<stock_book> load(storage::unit_of_work&, std::vector<reservation>, std::vector<std::string> more_skus);
    stock_store& store_;
    events::outbox& outbox_;
    clock& clock_;
    rng& rng_;
    reservation_options options_;
};

}  // namespace bv::inventory
