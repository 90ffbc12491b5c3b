// Creates or replaces products within a unit of work: what imports of every kind do.
#pragma once

#include <vector>

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

struct upserted {
    int created = 0, updated = 0, unchanged = 0;
};

// Each SKU once. One event a product that changed. New ones first, the others after: both in the order of SKUs, so that imports of the
// same products do not deadlock.
task<upserted> upsert(storage::unit_of_work&, const environment&, const std::vector<product>& wanted);

}  // namespace bv::product
