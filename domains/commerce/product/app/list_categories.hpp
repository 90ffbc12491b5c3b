// The categories in use, by name, with how many products on sale each holds.
#pragma once

#include "domains/commerce/product/app/environment.hpp"

namespace bv::product {

task<result<contract::ListCategoriesResponse>> list_categories(const environment&);

}  // namespace bv::product
