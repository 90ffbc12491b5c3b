#include "domains/commerce/product/app/batch_upsert_products.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "domains/commerce/product/app/upsert.hpp"

namespace bv::product {

namespace {

result<std::vector<product>> read(const contract::BatchUpsertProductsRequest& request, time_point now) {
    std::vector<product> out;
    std::vector<field_violation> wrong;
    std::unordered_map<std::string_view, int> first;
    for (int i = 0; i < request.products_size(); ++i) {
        const auto& m = request.products(i);
        const auto path = "products[" + std::to_string(i) + "]";
        if (const auto [at, added] = first.emplace(m.sku(), i); !added)
            wrong.push_back({path + ".sku", "\"" + m.sku() + "\" is that of products[" + std::to_string(at->second) + "] too; give each SKU once"});
        if (auto is = sound_details(m, path); !is)
            std::ranges::move(is.error().violations, std::back_inserter(wrong));
        else
            out.push_back({m.sku(), std::move(*is), 1, now, now});
    }
    if (!wrong.empty()) return invalid(std::move(wrong));
    return out;
}

}  // namespace

task<result<contract::BatchUpsertProductsResponse>> batch_upsert_products(const environment& env, rpc::context& ctx,
                                                                          contract::BatchUpsertProductsRequest request) {
    const auto wanted = read(request, env.clock.now());
    if (!wanted) co_return std::unexpected(wanted.error());
    std::vector<std::string> skus;
    for (const auto& p : *wanted) skus.push_back(p.sku);
    const product_cache::invalidation forget(env.cache, std::move(skus));
    const auto done = co_await env.db.transact(transaction_of(ctx), [&](storage::unit_of_work& uow) { return upsert(uow, env, *wanted); });
    contract::BatchUpsertProductsResponse out;
    out.set_created(done.created);
    out.set_updated(done.updated);
    out.set_unchanged(done.unchanged);
    co_return out;
}

}  // namespace bv::product
