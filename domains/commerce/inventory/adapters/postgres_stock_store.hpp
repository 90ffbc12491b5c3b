// stock_store over the schema `inventory`.
#pragma once

#include "domains/commerce/inventory/app/ports.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::inventory {

class postgres_stock_store final : public stock_store {
public:
    explicit postgres_stock_store(pg::database& db) : db_(db) {}

    task<std::vector<reservation>> lock_reservations(storage::unit_of_work&, std::vector<order_id>) override;
    task<std::vector<reservation>> lock_due(storage::unit_of_work&, time_point now, int limit) override;
    task<std::vector<sku_level>> lock_levels(storage::unit_of_work&, std::vector<std::string> skus) override;
    task<void> save(storage::unit_of_work&, std::vector<stock_book::level_change>, std::vector<reservation>) override;
    task<std::vector<receipt>> receive(storage::unit_of_work&, std::vector<receipt>) override;
    task<std::optional<sku_level>> find_level(std::string sku) override;
    task<std::vector<sku_level>> list_levels(std::string after, std::optional<std::int64_t> available_at_most, int limit) override;
    task<std::optional<reservation>> find_reservation(order_id) override;

private:
    pg::database& db_;
};

}  // namespace bv::inventory
