// Where the product service's use cases meet the store.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "domains/commerce/product/model/product.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::product {

struct filter {
    std::string query;     // words, as web searches take them: "red -kettle", "\"tea pot\""; empty: all
    std::string category;  // empty: all
    std::optional<bv::currency> currency;  // products that have a price in it, within these bounds
    std::int64_t min_price = 0;
    std::int64_t max_price = std::numeric_limits<std::int64_t>::max();
    bool include_off_sale = false;
};

// The last product of the page before. Without a query by SKU, with one by rank (best first) and then SKU.
struct position {
    std::string sku;
    std::optional<std::int64_t> rank;  // none: the first page, or no query
};

struct listed {
    product item;
    std::int64_t rank = 0;  // how well it matches the query; 0 without one
};

struct category_count {
    std::string category;
    std::int64_t products = 0;
};

class product_store {
public:
    // With a query, no more products than this are ranked, the first by SKU.
    static constexpr int max_ranked = 10'000;

    virtual ~product_store() = default;

    // What is committed. Unknown SKUs are left out.
    virtual task<std::vector<product>> find(std::vector<std::string> skus) = 0;
    virtual task<std::vector<listed>> list(filter, position after, int limit) = 0;
    // Of products on sale that have a category, by name.
    virtual task<std::vector<category_count>> categories() = 0;

    // Locked until the unit of work ends, in the order of SKUs, so that no two wait for each other. Unknown SKUs are left out.
    virtual task<std::vector<product>> lock(storage::unit_of_work&, std::vector<std::string> skus) = 0;
    // Adds those whose SKU is free; gives back their SKUs.
    virtual task<std::vector<std::string>> insert(storage::unit_of_work&, std::vector<product>) = 0;
    // Of locked products, each a version later.
    virtual task<void> update(storage::unit_of_work&, std::vector<product>) = 0;
};

}  // namespace bv::product
