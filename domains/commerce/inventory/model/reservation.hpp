// A reservation: what is held, sold or given back for one order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/uuid.hpp"

namespace bv::inventory {

using order_id = strong_id<struct order_tag>;

// The numbers are stored (inventory.reservations.status) and match ReservationStatus of the contract.
enum class reservation_status : std::uint8_t {
    held = 1,       // counted in reserved, until expires_at
    committed = 2,  // counted in sold, less what came back
    released = 3,   // given back at the order's request
    rejected = 4,   // a line was short, when it was to be held or when an expired one was to be sold after all
    expired = 5,    // not confirmed in time: given back. A confirmation may still come
};

struct reserved_line {
    std::string sku;
    std::int64_t quantity = 0;
    std::int64_t returned = 0;  // of quantity; only once committed
    friend bool operator==(const reserved_line&, const reserved_line&) = default;
};

struct reservation {
    order_id order;
    reservation_status status = reservation_status::held;
    std::vector<reserved_line> lines;  // at most one per SKU
    time_point expires_at{};
    bool fresh = false;  // not stored yet
};

}  // namespace bv::inventory
