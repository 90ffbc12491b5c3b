// product_store over the schema `product`.
#pragma once

#include "domains/commerce/product/app/ports.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::product {

class postgres_product_store final : public product_store {
public:
    explicit postgres_product_store(pg::database& db) : db_(db) {}

    task<std::vector<product>> find(std::vector<std::string> skus) override;
    task<std::vector<listed>> list(filter, position after, int limit) override;
    task<std::vector<category_count>> categories() override;
    task<std::vector<product>> lock(storage::unit_of_work&, std::vector<std::string> skus) override;
    task<std::vector<std::string>> insert(storage::unit_of_work&, std::vector<product>) override;
    task<void> update(storage::unit_of_work&, std::vector<product>) override;

private:
    pg::database& db_;
};

}  // namespace bv::product
