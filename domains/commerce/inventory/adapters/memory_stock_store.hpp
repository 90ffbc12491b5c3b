// stock_store over tables in memory. For simulation and tests; one thread.
#pragma once

#include <string>
#include <utility>

#include "domains/commerce/inventory/app/ports.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::inventory {

// What the schema `inventory` holds.
struct memory_stock {
    struct level_row {
        stock_level level;
        time_point updated_at{};
    };
    memory::table<std::string, level_row> levels{};
    memory::table<std::pair<std::string, std::string>, receipt> receipts{};  // by reference and SKU
    memory::table<order_id, reservation> reservations{};
};

class memory_stock_store final : public stock_store {
public:
    memory_stock_store(memory_stock& t, storage::transactor& db, const clock& c) : tables_(t), db_(db), clock_(c) {}

    task<std::vector<reservation>> lock_reservations(storage::unit_of_work&, std::vector<order_id>) override;
    task<std::vector<reservation>> lock_due(storage::unit_of_work&, time_point now, int limit) override;
    task<std::vector<sku_level>> lock_levels(storage::unit_of_work&, std::vector<std::string> skus) override;
    task<void> save(storage::unit_of_work&, std::vector<stock_book::level_change>, std::vector<reservation>) override;
    task<std::vector<receipt>> receive(storage::unit_of_work&, std::vector<receipt>) override;
    task<std::optional<sku_level>> find_level(std::string sku) override;
    task<std::vector<sku_level>> list_levels(std::string after, std::optional<std::int64_t> available_at_most, int limit) override;
    task<std::optional<reservation>> find_reservation(order_id) override;

private:
    task<std::optional<sku_level>> find_level_in(storage::unit_of_work&, std::string sku);
    task<std::vector<sku_level>> list_in(storage::unit_of_work&, std::string after, std::optional<std::int64_t> available_at_most, int limit);
    task<std::optional<reservation>> find_in(storage::unit_of_work&, order_id);

    memory_stock& tables_;
    storage::transactor& db_;
    const clock& clock_;
};

}  // namespace bv::inventory
