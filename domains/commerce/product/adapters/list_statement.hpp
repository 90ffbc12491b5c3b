// The statements of product lists: one for each kind of filter, so that each has a plan with its own indexes.
#pragma once

#include "platform/storage/postgres/database.hpp"

namespace bv::product {

struct list_shape {
    bool category = false, price = false, query = false;
};

// All take the same parameters, used or not: $1 the SKU to go on after, $2 the limit, $3 whether to include what is off sale,
// $4 category, $5 currency, $6 lowest and $7 highest price, $8 query, $9 the rank to go on after (may be null).
// Columns: the nine of a product, the rank.
[[nodiscard]] pg::statement list_statement(list_shape);

}  // namespace bv::product
