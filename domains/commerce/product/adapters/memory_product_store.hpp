// product_store over a table in memory. For simulation and tests; one thread. Lists take no query: full-text ranking is
// PostgreSQL's, and they throw failure UNIMPLEMENTED for one.
#pragma once

#include <string>

#include "domains/commerce/product/app/ports.hpp"
#include "platform/storage/memory/table.hpp"

namespace bv::product {

// What the schema `product` holds.
struct memory_catalogue {
    memory::table<std::string, product> products{};
};

class memory_product_store final : public product_store {
public:
    memory_product_store(memory_catalogue& t, storage::transactor& db) : tables_(t), db_(db) {}

    task<std::vector<product>> find(std::vector<std::string> skus) override;
    task<std::vector<listed>> list(filter, position after, int limit) override;
    task<std::vector<category_count>> categories() override;
    task<std::vector<product>> lock(storage::unit_of_work&, std::vector<std::string> skus) override;
    task<std::vector<std::string>> insert(storage::unit_of_work&, std::vector<product>) override;
    task<void> update(storage::unit_of_work&, std::vector<product>) override;

private:
    task<std::vector<product>> find_in(storage::unit_of_work&, std::vector<std::string> skus);
    task<std::vector<listed>> list_in(storage::unit_of_work&, filter, position after, int limit);
    task<std::vector<category_count>> categories_in(storage::unit_of_work&);

    memory_catalogue& tables_;
    storage::transactor& db_;
};

}  // namespace bv::product
