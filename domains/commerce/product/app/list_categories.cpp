#include "domains/commerce/product/app/list_categories.hpp"

namespace bv::product {

task<result<contract::ListCategoriesResponse>> list_categories(const environment& env) {
    contract::ListCategoriesResponse out;
    for (const auto& c : co_await env.store.categories()) {
        auto* m = out.add_categories();
        m->set_name(c.category);
        m->set_products(c.products);
    }
    co_return out;
}

}  // namespace bv::product
