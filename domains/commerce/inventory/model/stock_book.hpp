// The decisions of the inventory: reserve all lines of an order or none, commit, give back, take returns.
// Pure: works on the levels and reservations it was given and tells what changed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domains/commerce/inventory/model/reservation.hpp"

namespace bv::inventory {

// received − reserved − sold = available ≥ 0, always.
struct stock_level {
    std::int64_t received = 0;
    std::int64_t reserved = 0;
    std::int64_t sold = 0;
    [[nodiscard]] std::int64_t available() const noexcept { return received - reserved - sold; }
    friend bool operator==(const stock_level&, const stock_level&) = default;
};

struct shortage {
    std::string sku;
    std::int64_t wanted = 0;
    std::int64_t available = 0;
};

// What a step did. `nothing`: the step had been done before, or came too late to matter. A repeated step does nothing, but for
// take_return: what comes back counts each time.
enum class step : std::uint8_t { nothing, reserved, rejected, committed, released, expired, restocked };

class stock_book {
public:
    // Unknown SKUs have an empty level.
    void add_level(std::string sku, stock_level);
    void add_reservation(reservation);

    // All lines or none; lines of one SKU are added together. A repeated order is left as it is.
    // Short lines are put in `shortages` (the first 20).
    step reserve(order_id, std::vector<reserved_line>, time_point expires_at, std::vector<shortage>& shortages);
    // held → sold. Where the hold has ended, what was held is taken again from what is available, all lines or none:
    // short lines are put in `shortages`, and the reservation is rejected for good.
    step commit(order_id, std::vector<shortage>& shortages);
    // held or sold → available.
    step release(order_id);
    // held and overdue → available.
    step expire(order_id, time_point now);
    // Lines of a committed order come back; never more than were sold.
    step take_return(order_id, std::span<const reserved_line> lines);

    // SKUs whose level differs from what was added, with the change in reserved and sold.
    struct level_change {
        std::string sku;
        std::int64_t reserved = 0;
        std::int64_t sold = 0;
    };
    [[nodiscard]] std::vector<level_change> level_changes() const;  // sorted by SKU
    [[nodiscard]] std::vector<reservation> changed_reservations() const;  // sorted by order
    [[nodiscard]] stock_level level(const std::string& sku) const;
    [[nodiscard]] const reservation* find(order_id) const;

private:
    struct level_entry {
        stock_level before, now;
    };
    struct reservation_entry {
        reservation value;
        bool changed = false;
    };
    bool is_short(const std::vector<reserved_line>&, std::vector<shortage>&);
    step give_back(order_id, reservation_status to);
    std::unordered_map<std::string, level_entry> levels_;
    std::unordered_map<order_id, reservation_entry> reservations_;
};

}  // namespace bv::inventory
