// The catalogue that a new installation begins with.
#pragma once

#include <string_view>

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

// Adds the products that are not there yet and leaves all others as they are, so it can run at every start.
// catalogue: a BatchUpsertProductsRequest in JSON. Returns how many were added. Throws failure when it is not sound.
// The SKUs of a catalogue file.
[[nodiscard]] std::vector<std::string> skus_of(std::string_view catalogue);
task<int> seed_catalogue(const environment&, std::string_view catalogue);

}  // namespace bv::product
