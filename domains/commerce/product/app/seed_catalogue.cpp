#include "domains/commerce/product/app/seed_catalogue.hpp"

#include "bitvelocity/commerce/product/v1/product.bv.hpp"

namespace bv::product {

namespace {

std::vector<product> read(std::string_view catalogue, time_point now) {
    contract::BatchUpsertProductsRequest request;
    if (auto parsed = json::parse(catalogue, request); !parsed) throw failure(parsed.error());
    if (auto valid = rpc::validated(request); !valid) throw failure(valid.error());
    std::vector<product> out;
    for (const auto& m : request.products()) {
        auto is = sound_details(m, m.sku());
        if (!is) throw failure(is.error());
        out.push_back({m.sku(), std::move(*is), 1, now, now});
    }
    return out;
}

task<int> add(storage::unit_of_work& uow, const environment& env, const std::vector<product>& all) {
    const auto added = co_await env.store.insert(uow, all);
    std::vector<events::outgoing> out;
    for (const auto& sku : added)
        for (const auto& p : all)
            if (p.sku == sku) out.push_back(changed_event(p, env.clock, env.rng));
    co_await env.outbox.append(uow, std::move(out));
    co_return static_cast<int>(added.size());
}

}  // namespace

std::vector<std::string> skus_of(std::string_view catalogue) {
    std::vector<std::string> out;
    for (const auto& p : read(catalogue, {})) out.push_back(p.sku);
    return out;
}

task<int> seed_catalogue(const environment& env, std::string_view catalogue) {
    const auto all = read(catalogue, env.clock.now());
    const product_cache::invalidation forget(env.cache, skus_of(catalogue));
    storage::transaction_options options;
    options.identity = storage::system_identity("service:product");
    co_return co_await env.db.transact(options, [&](storage::unit_of_work& uow) { return add(uow, env, all); });
}

}  // namespace bv::product
