#include "domains/commerce/product/app/batch_upsert_products.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

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

// New ones first, the others after: both in the order of SKUs, so that imports of the same products do not deadlock.
task<contract::BatchUpsertProductsResponse> upsert(storage::unit_of_work& uow, const environment& env, const std::vector<product>& wanted) {
    std::unordered_map<std::string_view, const product*> rest;
    std::vector<events::outgoing> out;
    for (const auto& p : wanted) rest.emplace(p.sku, &p);
    const auto created = co_await env.store.insert(uow, wanted);
    for (const auto& sku : created) {
        out.push_back(changed_event(*rest.at(sku), env.clock, env.rng));
        rest.erase(sku);
    }

    std::vector<product> updated;
    if (!rest.empty()) {
        std::vector<std::string> skus;
        for (const auto& [sku, p] : rest) skus.emplace_back(sku);
        for (const auto& old : co_await env.store.lock(uow, std::move(skus))) {
            const auto& to = *rest.at(old.sku);
            if (auto now = replaced(old, to.is, to.updated_at)) updated.push_back(std::move(*now));
        }
        for (const auto& p : updated) out.push_back(changed_event(p, env.clock, env.rng));
        if (!updated.empty()) co_await env.store.update(uow, updated);
    }
    contract::BatchUpsertProductsResponse counts;
    counts.set_created(static_cast<int>(created.size()));
    counts.set_updated(static_cast<int>(updated.size()));
    counts.set_unchanged(static_cast<int>(rest.size() - updated.size()));
    co_await env.outbox.append(uow, std::move(out));
    co_return counts;
}

}  // namespace

task<result<contract::BatchUpsertProductsResponse>> batch_upsert_products(const environment& env, rpc::context& ctx,
                                                                          contract::BatchUpsertProductsRequest request) {
    const auto wanted = read(request, env.clock.now());
    if (!wanted) co_return std::unexpected(wanted.error());
    std::vector<std::string> skus;
    for (const auto& p : *wanted) skus.push_back(p.sku);
    const product_cache::invalidation forget(env.cache, std::move(skus));
    co_return co_await env.db.transact(transaction_of(ctx), [&](storage::unit_of_work& uow) { return upsert(uow, env, *wanted); });
}

}  // namespace bv::product
