// Where the inventory's use cases meet the store.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "domains/commerce/inventory/model/stock_book.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::inventory {

struct sku_level {
    std::string sku;
    stock_level level;
    time_point updated_at{};
};

// Goods that came in (quantity > 0) or were adjusted away (< 0). A reference counts once per SKU.
struct receipt {
    std::string reference;
    std::string sku;
    std::int64_t quantity = 0;
    std::string reason;
};

class stock_store {
public:
    virtual ~stock_store() = default;

    // Reservations of these orders, locked until the unit of work ends. Unknown orders are left out.
    virtual task<std::vector<reservation>> lock_reservations(storage::unit_of_work&, std::vector<order_id>) = 0;
    // Held reservations that are due, locked; ones that another transaction has locked are passed over.
    virtual task<std::vector<reservation>> lock_due(storage::unit_of_work&, time_point now, int limit) = 0;
    // Levels of these SKUs, locked in the order of their names, so that no two transactions wait for each other.
    virtual task<std::vector<sku_level>> lock_levels(storage::unit_of_work&, std::vector<std::string> skus) = 0;
    virtual task<void> save(storage::unit_of_work&, std::vector<stock_book::level_change>, std::vector<reservation>) = 0;

    // Books receipts that are new and adds them to the levels; gives back those.
    // Throws failure FAILED_PRECONDITION "STOCK_SHORT" when an adjustment takes more than is available.
    virtual task<std::vector<receipt>> receive(storage::unit_of_work&, std::vector<receipt>) = 0;

    virtual task<std::optional<sku_level>> find_level(std::string sku) = 0;
    // By SKU, after `after`; only levels with at most `available_at_most` where given.
    virtual task<std::vector<sku_level>> list_levels(std::string after, std::optional<std::int64_t> available_at_most, int limit) = 0;
    virtual task<std::optional<reservation>> find_reservation(order_id) = 0;
};

}  // namespace bv::inventory
